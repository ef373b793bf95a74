package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.Variations;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The limit holds for the backup of all disks together, and the guest does not feel it. */
class RateLimitIT {
  private static final int SIZE = 32 << 20;
  private static final int DATA_BYTES = 4 << 20;
  private static final long LIMIT = 2 << 20;

  /**
   * QEMU's bucket holds a tenth of a second's bytes, and lets a request pass when it is not yet
   * full: so a tenth of the limit and one request of 256 KiB per disk's connection come for free.
   */
  private static final long FREE_BYTES = LIMIT / 10 + 4 * (256 << 10);

  @TempDir Path directory;

  @Test
  void limitsTheReadsOfAllDisksTogetherAndNotTheGuestsWrites() throws Exception {
    Path a = directory.resolve("a.qcow2");
    Path b = directory.resolve("b.raw");
    QemuImg.create(a, "qcow2", SIZE);
    QemuImg.create(b, "raw", SIZE);
    DiskModel vda = new DiskModel(SIZE);
    DiskModel vdb = new DiskModel(SIZE);
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm vm =
        QemuVm.builder(directory).disk("vda", a, "qcow2").disk("vdb", b, "raw").start()) {
      for (int offset = 0; offset < DATA_BYTES; offset += 65536) {
        vda.write(vm, "vda", offset, 65536, 1 + offset / 65536);
        vdb.write(vm, "vdb", offset, 65536, 101 + offset / 65536);
      }
      byte[] vdaThen = vda.copy();
      byte[] vdbThen = vdb.copy();
      AtomicLong instantNanos = new AtomicLong();
      AtomicLong doneNanos = new AtomicLong();
      AtomicLong guestNanos = new AtomicLong(Long.MAX_VALUE);
      AtomicBoolean written = new AtomicBoolean();
      bench.onEvent(
          event -> {
            if (event instanceof JobEvent.PointInTime) {
              instantNanos.set(System.nanoTime());
            } else if (event instanceof JobEvent.Progress progress) {
              doneNanos.set(System.nanoTime());
              if (progress.doneBytes() < DATA_BYTES && written.compareAndSet(false, true)) {
                guestNanos.set(writeAsGuest(vm, vda));
              }
            }
          });

      SnapshotRecord snapshot =
          bench.backup(Variations.rateLimited(BackupBench.live("vm", vm.toolSocket()), LIMIT));

      double seconds = (doneNanos.get() - instantNanos.get()) / 1e9;
      double atLeast = (2.0 * DATA_BYTES - FREE_BYTES) / LIMIT;
      assertThat(seconds)
          .as("seconds for %d bytes at %d bytes a second", 2 * DATA_BYTES, LIMIT)
          .isGreaterThan(atLeast)
          // What else a backup does takes time, too, most of all on a busy machine.
          .isLessThan(3 * atLeast);
      assertThat(written).isTrue();
      assertThat(Duration.ofNanos(guestNanos.get()))
          .as("the guest's 16 MiB, which would take 8 s under the limit")
          .isLessThan(Duration.ofSeconds(4));
      bench.assertRestores(snapshot, "vda", vdaThen);
      bench.assertRestores(snapshot, "vdb", vdbThen);
      bench.onEvent(event -> {});
      bench.assertRestores(
          bench.backup(BackupBench.live("vm", vm.toolSocket())), "vda", vda.copy());
      new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    }
  }

  /** Overwrites what is being backed up, so that QEMU must copy the old data, and much else. */
  private static long writeAsGuest(QemuVm vm, DiskModel vda) {
    long beganNanos = System.nanoTime();
    try {
      for (int offset = 0; offset < 16 << 20; offset += 1 << 20) {
        vda.write(vm, "vda", offset, 1 << 20, 200 + (offset >> 20));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return System.nanoTime() - beganNanos;
  }
}
