package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.GuestWrites;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.WritingGuest;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest that writes without pause to a qcow2 and a raw disk while it is backed up, full and
 * incremental, with and without cancelled backups in between. ({@link InstantIT} looks at the
 * transaction alone, and closer.)
 */
@Tag("long")
class WritingGuestIT {
  private static final long MIB = 1 << 20;
  private static final long SIZE = 256 * MIB;

  /** One process writes to both disks in turn, which ties their instants together. */
  private static final GuestWrites TIED = GuestWrites.data(1, 0, 32 * MIB);

  private static final GuestWrites VDA = new GuestWrites(2, 32 * MIB, 224 * MIB, true, true);
  private static final GuestWrites VDB = GuestWrites.data(3, 32 * MIB, 224 * MIB);
  private static final Map<String, List<GuestWrites>> WRITERS =
      Map.of("vda", List.of(TIED, VDA), "vdb", List.of(TIED, VDB));

  @TempDir Path directory;

  private BackupBench bench;
  private WritingGuest guest;
  private final List<Taken> taken = new ArrayList<>();

  /** A snapshot, and how far each writer was known to be before its backup began. */
  private record Taken(SnapshotRecord snapshot, Map<String, Long> acknowledged) {}

  @BeforeEach
  void prepare() throws IOException {
    QemuImg.create(directory.resolve("vda.qcow2"), "qcow2", SIZE);
    QemuImg.create(directory.resolve("vdb.raw"), "raw", SIZE);
    bench = BackupBench.create(directory, "repository");
    guest = WritingGuest.of(directory, TIED.spec("vda+vdb"), VDA.spec("vda"), VDB.spec("vdb"));
  }

  private QemuVm start() throws IOException {
    return guest
        .vm()
        .disk("vda", directory.resolve("vda.qcow2"), "qcow2")
        .disk("vdb", directory.resolve("vdb.raw"), "raw")
        .start();
  }

  private void awaitWriters() throws IOException, InterruptedException {
    guest.awaitWrite("vda", VDA, 200);
    guest.awaitWrite("vdb", VDB, 200);
    guest.awaitWrite("vdb", TIED, 50);
  }

  @Test
  void everySnapshotHoldsExactlyTheFirstWritesOfEveryWriter() throws Exception {
    try (QemuVm vm = start()) {
      awaitWriters();
      for (int round = 0; round < 4; round++) {
        backUp(vm);
      }
      end(vm);
    }
    checkAll();
  }

  @Test
  void aCancelledBackupLosesNoWriteOfTheNextOne() throws Exception {
    try (QemuVm vm = start()) {
      awaitWriters();
      backUp(vm);
      cancelAt(vm, JobEvent.PointInTime.class);
      cancelAt(vm, JobEvent.DiskStarted.class);
      backUp(vm);
      cancelAt(vm, JobEvent.Progress.class);
      backUp(vm);
      end(vm);
    }
    checkAll();
  }

  private void backUp(QemuVm vm) throws Exception {
    Map<String, Long> before = new HashMap<>();
    for (Map.Entry<String, List<GuestWrites>> disk : WRITERS.entrySet()) {
      for (GuestWrites writes : disk.getValue()) {
        before.put(disk.getKey() + writes.seed(), guest.acknowledged(disk.getKey(), writes));
      }
    }
    SnapshotRecord snapshot = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    boolean incremental = !taken.isEmpty();
    assertThat(snapshot.disks()).allMatch(disk -> disk.incremental() == incremental);
    taken.add(new Taken(snapshot, before));
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void cancelAt(QemuVm vm, Class<? extends JobEvent> moment) throws IOException {
    Cancellation cancellation = new Cancellation();
    bench.onEvent(
        event -> {
          if (moment.isInstance(event)) {
            cancellation.cancel();
          }
        });
    assertThatThrownBy(() -> bench.backup(BackupBench.live("vm", vm.toolSocket()), cancellation))
        .as("cancelled at %s", moment.getSimpleName())
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    bench.onEvent(event -> {});
    assertThat(bench.snapshots()).hasSameSizeAs(taken);
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void end(QemuVm vm) throws IOException, InterruptedException {
    guest.awaitMore("vda", VDA, 1);
    guest.awaitMore("vdb", VDB, 1);
    guest.assertNoError();
    vm.quit();
  }

  /** Restores every disk of every snapshot, and last looks at the images themselves. */
  private void checkAll() throws Exception {
    Map<String, Long> reached = new HashMap<>();
    for (Taken one : taken) {
      for (Map.Entry<String, List<GuestWrites>> disk : WRITERS.entrySet()) {
        Path restored = bench.restore(one.snapshot(), disk.getKey());
        for (GuestWrites writes : disk.getValue()) {
          String key = disk.getKey() + writes.seed();
          long k = writes.check(restored);
          assertThat(k).as("writes of %s", key).isGreaterThanOrEqualTo(one.acknowledged().get(key));
          assertThat(k).as("writes of %s", key).isGreaterThan(reached.getOrDefault(key, 0L));
          reached.put(key, k);
        }
        Files.delete(restored);
      }
      assertThat(reached.getOrDefault("vda1", 0L) - reached.getOrDefault("vdb1", 0L))
          .as("how far vda is ahead of vdb in %s", one.snapshot().id().shortForm())
          .isBetween(0L, 1L);
    }
    QemuImg.convert(directory.resolve("vda.qcow2"), "qcow2", directory.resolve("vda.raw"), "raw");
    for (Map.Entry<String, List<GuestWrites>> disk : WRITERS.entrySet()) {
      for (GuestWrites writes : disk.getValue()) {
        assertThat(writes.check(directory.resolve(disk.getKey() + ".raw")))
            .isGreaterThanOrEqualTo(reached.get(disk.getKey() + writes.seed()));
      }
    }
  }
}
