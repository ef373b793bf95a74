package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.maintenance.RepairJob;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Damages one repository and repairs it, and knows which disks of which snapshots may be refused
 * since: those that are refused right after the damage, until they are stored anew.
 */
final class RandomDamage {
  private final Path repository;
  private final Random random;
  private final Set<Disk> refused = new HashSet<>();

  /** A disk in a snapshot. */
  record Disk(SnapshotId snapshot, String name) {}

  /** A disk in a snapshot, and a file that holds what it must be. */
  record Expected(Disk disk, Path file) {}

  RandomDamage(BackupBench bench, Random random) {
    this.repository = bench.repository();
    this.random = random;
  }

  /** Whether anything is refused. */
  boolean isHurt() {
    return !refused.isEmpty();
  }

  boolean mayBeRefused(Disk disk) {
    return refused.contains(disk);
  }

  /** A backup has stored all of what it holds. */
  void healed(Disk disk) {
    refused.remove(disk);
  }

  /**
   * Flips a bit of a file of content, or of the index, and lets it be noticed.
   *
   * @param expected all that the repository must hold
   */
  String damage(List<Expected> expected) throws Exception {
    List<Path> files = tables();
    Path file = files.get(random.nextInt(files.size()));
    long at = random.nextLong(Files.size(file));
    flip(file, at);
    RepairPlan plan = Repositories.planRepair(repository, (what, done, count) -> {});
    boolean ofContent =
        plan.damage().stream().allMatch(item -> item.what().endsWith("of family chunk"));
    boolean ofIndex =
        plan.damage().stream().allMatch(item -> item.what().matches(".* of family (chunk|index)"));
    if (!ofIndex) {
      // What is decided about snapshots is not of this test.
      flip(file, at);
      return "no damage";
    }
    if (ofContent) {
      for (Expected disk : expected) {
        if (isRefused(disk)) {
          refused.add(disk.disk());
        }
      }
    }
    boolean repair = !ofContent || random.nextBoolean() || !canBeOpened();
    if (repair) {
      repair();
    } else {
      verify();
    }
    for (Expected disk : expected) {
      assertThat(!isRefused(disk) || refused.contains(disk.disk()))
          .as("whether %s is as whole as before", disk)
          .isTrue();
    }
    return "damage " + file.getFileName() + " at " + at + (repair ? ", repair" : ", verify");
  }

  private List<Path> tables() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(repository.resolve("db"), "*.sst")) {
      found.forEach(files::add);
    }
    files.sort(null);
    return files;
  }

  private static void flip(Path file, long at) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      assertThat(channel.read(one, at)).isEqualTo(1);
      one.put(0, (byte) (one.get(0) ^ 1));
      assertThat(channel.write(one.flip(), at)).isEqualTo(1);
    }
  }

  /** Reads and compares a disk; what of it is refused is not compared. */
  private boolean isRefused(Expected expected) throws IOException {
    byte[] bytes = Files.readAllBytes(expected.file());
    boolean[] damaged = new boolean[1];
    try (ChunkStore store = Repositories.openDamaged(repository);
        SnapshotReader reader = store.open(expected.disk().snapshot())) {
      DiskReader disk = reader.disk(expected.disk().name());
      byte[] chunk = new byte[disk.chunkSizeBytes()];
      disk.forEachReadableChunk(
          (index, id, length) -> {
            int from = (int) index * chunk.length;
            try {
              disk.read(id, chunk, 0);
            } catch (DamagedException e) {
              damaged[0] = true;
              return true;
            }
            assertThat(Arrays.equals(chunk, 0, length, bytes, from, from + length))
                .as("whether chunk %d of %s is right", index, expected)
                .isTrue();
            return true;
          },
          (first, count, damage) -> damaged[0] = true);
    }
    return damaged[0];
  }

  /**
   * A writer opens few of the tables, a reader all: one whose head is hurt may stop the latter
   * only.
   */
  private boolean canBeOpened() {
    try {
      Repositories.open(repository).close();
      Repositories.openReadOnly(repository).close();
      return true;
    } catch (StoreException e) {
      return false;
    }
  }

  private void verify() throws StoreException {
    try (ChunkStore store = Repositories.open(repository)) {
      store.verify(VerifyOptions.everything(1), progress -> true);
    }
  }

  private void repair() throws StoreException, JobException, InterruptedException {
    RepairJob.Outcome outcome =
        new RepairJob(EngineLimits.defaults(), new Cancellation(), event -> {})
            .repair(
                repository,
                listener -> Repositories.repair(repository, listener),
                () -> Repositories.open(repository));
    assertThat(outcome.files().lost()).isEmpty();
  }
}
