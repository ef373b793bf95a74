package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a file system of 64 MiB; mounting it needs root. */
@Tag("long")
@Timeout(120)
class StoreFullIT {
  private static final int CHUNK = 64 << 10;
  private static final int CHUNKS = 50;
  private static final long FILE_SYSTEM_BYTES = 64 << 20;
  private static final int RESERVE_BYTES = 4 << 20;
  private static final int ROUNDS = 8;

  @TempDir private Path temporary;
  private @Nullable LoopFileSystem fileSystem;
  private Path mounted = Path.of("");
  private int seconds;

  @BeforeEach
  void mount() throws Exception {
    fileSystem = LoopFileSystem.make(temporary.resolve("disk"), FILE_SYSTEM_BYTES, "loop");
    mounted = fileSystem.root();
  }

  @AfterEach
  void unmount() throws Exception {
    if (fileSystem != null) {
      fileSystem.close();
    }
  }

  @Test
  void losesNothingThatWasCommittedWhenItsFileSystemFillsUp() throws Exception {
    Random random = Seeds.random("store full");
    Path dir = mounted.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    Path reserve = Files.write(mounted.resolve("reserve"), new byte[RESERVE_BYTES]);
    List<SnapshotRecord> committed = new ArrayList<>();
    List<byte[]> contents = new ArrayList<>();
    fill(dir, random, committed, contents);
    assertThat(committed).isNotEmpty();

    try (ChunkStore store = Repositories.openReadOnly(dir)) {
      checkAll(store, committed, contents);
    }
    Files.delete(reserve);
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

  @Test
  void forgetsAndReclaimsWhereNotAByteIsFree() throws Exception {
    Random random = Seeds.random("not a byte free");
    Path dir = mounted.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    List<SnapshotRecord> committed = new ArrayList<>();
    List<byte[]> contents = new ArrayList<>();
    fill(dir, random, committed, contents);
    fillUp(Files.createFile(mounted.resolve("filler")));
    assertThat(mounted.toFile().getUsableSpace()).isLessThan(4096);
    assertThatThrownBy(() -> Repositories.open(dir))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("no space left");
    try (ChunkStore store = Repositories.openToReclaim(dir)) {
      checkAll(store, committed, contents);
      forgetEveryOther(store, committed, contents);
    }
    long before = mounted.toFile().getUsableSpace();
    try (ChunkStore store = Repositories.openToReclaim(dir)) {
      CollectReport report = collect(store);
      assertThat(report.freedBytes()).isGreaterThan(report.unreachableBytes() * 9 / 10);
      checkAll(store, committed, contents);
    }
    assertThat(mounted.toFile().getUsableSpace() - before).isGreaterThan(10 << 20);
    assertThat(Files.size(dir.resolve("ballast"))).isGreaterThan(6 << 20);
    try (ChunkStore store = Repositories.open(dir)) {
      DiskImage disk = randomDisk(random);
      commit(store, disk, committed);
      contents.add(disk.bytes());
      checkAll(store, committed, contents);
    }
  }

  @Test
  void goesAroundAFullFileSystemAgainAndAgain() throws Exception {
    Random random = Seeds.random("around");
    Path dir = mounted.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    List<SnapshotRecord> committed = new ArrayList<>();
    List<byte[]> contents = new ArrayList<>();
    int written = 0;
    for (int round = 0; round < ROUNDS; round++) {
      int before = committed.size();
      fill(dir, random, committed, contents);
      assertThat(committed).as("round %d", round).hasSizeGreaterThan(before + 1);
      written += committed.size() - before;
      try (ChunkStore store = Repositories.openToReclaim(dir)) {
        checkAll(store, committed, contents);
        forgetEveryOther(store, committed, contents);
        collect(store);
        checkAll(store, committed, contents);
      }
      Inspection left = Inspection.of(dir, CHUNK);
      assertThat(left.danglingRows()).isEmpty();
      assertThat(left.rows().keySet()).containsAll(left.reachable());
    }
    long writtenBytes = (long) written * CHUNKS * CHUNK;
    System.out.println("rounds=" + ROUNDS + " writtenBytes=" + writtenBytes);
    assertThat(writtenBytes).isGreaterThan(3 * FILE_SYSTEM_BYTES);
  }

  private static CollectReport collect(ChunkStore store) throws IOException {
    return store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  private static void forgetEveryOther(
      ChunkStore store, List<SnapshotRecord> committed, List<byte[]> contents) throws IOException {
    for (int i = committed.size() - 1; i >= 0; i -= 2) {
      store.forget(Set.of(committed.remove(i).id()));
      contents.remove(i);
    }
  }

  private static DiskImage randomDisk(Random random) {
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    for (int chunk = 0; chunk < disk.chunkCount(); chunk++) {
      disk.fill(chunk, random);
    }
    return disk;
  }

  /** Commits until there is no room, and then checks that the store says so and goes on reading. */
  private void fill(Path dir, Random random, List<SnapshotRecord> committed, List<byte[]> contents)
      throws IOException {
    try (ChunkStore store = Repositories.open(dir)) {
      for (int round = 0; round < 30; round++) {
        DiskImage disk = randomDisk(random);
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
    throw new AssertionError("98 MB went into 64 MiB");
  }

  private void commit(ChunkStore store, DiskImage disk, List<SnapshotRecord> committed)
      throws IOException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      SnapshotRecord record =
          TestRecords.snapshot(
              session.snapshotId(),
              TestRecords.TIME.plusSeconds(seconds++),
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
}
