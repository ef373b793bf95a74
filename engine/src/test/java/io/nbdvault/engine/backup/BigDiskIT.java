package io.nbdvault.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.BackupProcess;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sparse disk of 1 TiB: what a backup takes must follow from the data, not from the size. */
@Tag("long")
class BigDiskIT {
  private static final long MIB = 1 << 20;
  private static final long SIZE = 1L << 40;
  private static final int CHUNK = 64 << 10;
  private static final long PEAK_BYTES_MAX = 512_000_000;

  private static final int DATA_RUNS = 512;
  private static final int DATA_RUN_BYTES = 4 << 20;
  private static final int DIRTY_RUNS = 16;
  private static final long DIRTY_RUN_BYTES = 4 * MIB;

  /** A node of the tree has at most 128 children of 32 bytes, and a little around them. */
  private static final long NODE_BYTES_MAX = 128 * 32 + 128;

  /** 2^24 chunks and 128 children to a node. */
  private static final int TREE_LEVELS = 4;

  @TempDir Path directory;

  @Test
  void memoryAndMetadataFollowFromTheDataAndNotFromTheSize() throws Exception {
    Path raw = directory.resolve("vda.raw");
    Path image = directory.resolve("vda.qcow2");
    writeRuns(raw);
    QemuImg.convert(raw, "raw", image, "qcow2");
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start()) {
      long peakOfFull = BackupProcess.run(directory, bench.repository(), vm.toolSocket());
      SnapshotRecord full = bench.snapshots().get(0);

      long dirtied = dirty(vm);
      long peakOfIncremental = BackupProcess.run(directory, bench.repository(), vm.toolSocket());
      SnapshotRecord incremental = newest(bench, full);

      assertThat(peakOfFull).as("peak resident bytes, full").isLessThan(PEAK_BYTES_MAX);
      assertThat(peakOfIncremental).as("the same, incremental").isLessThan(PEAK_BYTES_MAX);
      assertFull(full.disks().get(0));
      assertIncremental(incremental.disks().get(0), dirtied);
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
      vm.quit();
      compare(bench, full, raw, "raw");
      compare(bench, incremental, image, "qcow2");
    }
  }

  /** Random bytes, so that nothing is found twice and nothing can be compressed. */
  private static void writeRuns(Path raw) throws IOException {
    QemuImg.create(raw, "raw", SIZE);
    Random random = new Random(1);
    byte[] run = new byte[DATA_RUN_BYTES];
    random.nextBytes(run);
    try (FileChannel channel = FileChannel.open(raw, StandardOpenOption.WRITE)) {
      for (int i = 0; i < DATA_RUNS; i++) {
        for (int chunk = 0; chunk < run.length; chunk += CHUNK) {
          // Other bytes at the front make another chunk.
          ByteBuffer.wrap(run).putLong(chunk, random.nextLong());
        }
        int unused = channel.write(ByteBuffer.wrap(run), i * (SIZE / DATA_RUNS));
      }
    }
  }

  /** Writes 64 MiB in runs between the old ones, none of them aligned to chunks. */
  private static long dirty(QemuVm vm) throws IOException {
    for (int i = 0; i < DIRTY_RUNS; i++) {
      long offset = i * (SIZE / DIRTY_RUNS) + (SIZE / DATA_RUNS) / 2 + 4096;
      vm.guestWrite("vda", offset, DIRTY_RUN_BYTES, 1 + i);
    }
    return DIRTY_RUNS * (DIRTY_RUN_BYTES + CHUNK);
  }

  private static void assertFull(DiskRecord disk) {
    assertThat(disk.incremental()).isFalse();
    assertThat(disk.fullReason()).contains("first backup of this disk");
    assertThat(disk.statistics().readBytes()).isEqualTo((long) DATA_RUNS * DATA_RUN_BYTES);
    assertThat(disk.statistics().newBytes()).isEqualTo((long) DATA_RUNS * DATA_RUN_BYTES);
    assertThat(disk.statistics().nodeBytes()).isBetween(1L, nodeBytesMax(DATA_RUNS));
  }

  private static void assertIncremental(DiskRecord disk, long dirtied) {
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(dirtied);
    assertThat(disk.statistics().dirtyBytes()).isEqualTo(dirtied);
    assertThat(disk.statistics().nodeBytes()).isBetween(1L, nodeBytesMax(DIRTY_RUNS));
  }

  /** A run of 4 MiB crosses at most one border between leaves, and so of every level above. */
  private static long nodeBytesMax(int runs) {
    return 2L * runs * TREE_LEVELS * NODE_BYTES_MAX;
  }

  private static SnapshotRecord newest(BackupBench bench, SnapshotRecord old) throws IOException {
    List<SnapshotRecord> others =
        bench.snapshots().stream().filter(s -> !s.id().equals(old.id())).toList();
    assertThat(others).hasSize(1);
    return others.get(0);
  }

  private void compare(BackupBench bench, SnapshotRecord snapshot, Path expected, String format)
      throws Exception {
    Path restored = directory.resolve(snapshot.id().hex() + ".qcow2");
    bench.restore(
        new RestoreRequest(
            snapshot.id().hex(), List.of(), restored.toString(), Optional.empty(), false));
    QemuImg.compare(restored, "qcow2", expected, format);
  }
}
