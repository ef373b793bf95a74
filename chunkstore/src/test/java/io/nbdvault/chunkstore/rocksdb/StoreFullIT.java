package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreFullException;
import io.nbdvault.chunkstore.TestRecords;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a file system of 32 MiB; mounting it needs root. */
@Timeout(120)
class StoreFullIT {
  private static final int CHUNK = 64 << 10;
  private static final long FILE_SYSTEM_BYTES = 32 << 20;
  private static final int BALLAST_BYTES = 4 << 20;

  @TempDir private Path temporary;
  private Path mounted = Path.of("");

  @BeforeEach
  void mount() throws Exception {
    Path image = temporary.resolve("image");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(FILE_SYSTEM_BYTES);
    }
    Path point = Files.createDirectory(temporary.resolve("mounted"));
    run("mkfs.ext4", "-q", "-m", "0", image.toString());
    run("mount", "-o", "loop", image.toString(), point.toString());
    mounted = point;
  }

  @AfterEach
  void unmount() throws Exception {
    if (!mounted.equals(Path.of(""))) {
      run("umount", mounted.toString());
    }
  }

  @Test
  void losesNothingThatWasCommittedWhenItsFileSystemFillsUp() throws Exception {
    Random random = Seeds.random("store full");
    Path dir = mounted.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    Path ballast = Files.write(mounted.resolve("ballast"), new byte[BALLAST_BYTES]);
    List<SnapshotRecord> committed = new ArrayList<>();
    List<byte[]> contents = new ArrayList<>();
    fill(dir, random, committed, contents);
    assertThat(committed).isNotEmpty();

    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      checkAll(store, committed, contents);
    }
    Files.delete(ballast);
    try (ChunkStore store = Repositories.open(dir)) {
      checkAll(store, committed, contents);
      DiskImage small = new DiskImage(CHUNK, CHUNK);
      small.fill(0, random);
      commit(store, small, committed);
      contents.add(small.bytes());
    }
    try (ChunkStore store = Repositories.open(dir)) {
      checkAll(store, committed, contents);
    }
  }

  @Test
  void leavesNothingBehindWhenThereIsNoRoomToCreate() throws Exception {
    Files.write(mounted.resolve("filler"), new byte[1 << 20]);
    fillUp(mounted.resolve("filler"));
    Path dir = mounted.resolve("repository");
    assertThatThrownBy(() -> Repositories.create(dir, RepositoryOptions.defaults()))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("no space left");
    assertThat(dir).doesNotExist();
  }

  /** Commits until there is no room, and then checks that the store says so and goes on reading. */
  private static void fill(
      Path dir, Random random, List<SnapshotRecord> committed, List<byte[]> contents)
      throws IOException {
    try (ChunkStore store = Repositories.open(dir)) {
      for (int round = 0; round < 20; round++) {
        DiskImage disk = new DiskImage(50 * CHUNK, CHUNK);
        for (int chunk = 0; chunk < disk.chunkCount(); chunk++) {
          disk.fill(chunk, random);
        }
        try {
          commit(store, disk, committed);
          contents.add(disk.bytes());
        } catch (StoreFullException e) {
          assertThat(e).hasMessageContaining("no space left");
          checkAll(store, committed, contents);
          // It stays so: what is in memory may not be what is on disk.
          assertThatThrownBy(() -> commit(store, disk, committed))
              .hasStackTraceContaining(StoreFullException.class.getName());
          checkAll(store, committed, contents);
          return;
        }
      }
    }
    throw new AssertionError("64 MB went into 32 MiB");
  }

  private static void commit(ChunkStore store, DiskImage disk, List<SnapshotRecord> committed)
      throws IOException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      SnapshotRecord record =
          TestRecords.snapshot(
              session.snapshotId(),
              TestRecords.TIME.plusSeconds(committed.size()),
              disk.backUp(session, "vda", Optional.empty()));
      committed.add(session.commit(record));
    }
  }

  private static void checkAll(
      ChunkStore store, List<SnapshotRecord> committed, List<byte[]> contents) throws IOException {
    assertThat(store.snapshots()).isEqualTo(committed);
    for (int i = 0; i < committed.size(); i++) {
      try (SnapshotReader reader = store.open(committed.get(i).id())) {
        assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(contents.get(i));
      }
    }
  }

  private static void fillUp(Path file) {
    byte[] block = new byte[64 << 10];
    for (int size = block.length; size >= 1; size /= 2) {
      try (var out = Files.newOutputStream(file, StandardOpenOption.APPEND)) {
        while (true) {
          out.write(block, 0, size);
        }
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("No space left");
      }
    }
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s: %s", String.join(" ", command), output).isZero();
  }
}
