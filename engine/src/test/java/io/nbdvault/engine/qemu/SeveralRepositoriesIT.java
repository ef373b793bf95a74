package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackedUpVm;
import io.nbdvault.engine.testkit.BackupBench;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several chains of incrementals over the same disks: none may see what the others do. */
class SeveralRepositoriesIT {
  private static final int SIZE = 8 << 20;
  private static final int CHUNK = 64 << 10;

  @TempDir Path directory;

  @Test
  void twoRepositoriesEachReadWhatChangedSinceTheirOwnSnapshots() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      BackupBench other = BackupBench.create(directory, "other");
      SnapshotRecord a1 = backUp(vm, vm.bench(), vm.request());
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      SnapshotRecord b1 = backUp(vm, other, vm.request());
      vm.write("vda", 20 * CHUNK, 2 * CHUNK, 4);
      vm.write("vdb", 20 * CHUNK, CHUNK, 5);

      SnapshotRecord a2 = backUp(vm, vm.bench(), vm.request());
      assertReads(a2, "vda", 3 * CHUNK);
      assertReads(a2, "vdb", CHUNK);
      assertThat(vm.bitmaps("vda"))
          .containsExactlyInAnyOrder(bitmapOf(a2, "vda"), bitmapOf(b1, "vda"));

      vm.write("vdb", 30 * CHUNK, CHUNK, 6);
      SnapshotRecord b2 = backUp(vm, other, vm.request());
      assertReads(b2, "vda", 2 * CHUNK);
      assertReads(b2, "vdb", 2 * CHUNK);
      assertThat(vm.bitmaps("vdb"))
          .containsExactlyInAnyOrder(bitmapOf(a2, "vdb"), bitmapOf(b2, "vdb"));
      assertThat(a1.disk("vda").orElseThrow().fullReason()).contains("first backup of this disk");
      assertThat(b1.disk("vda").orElseThrow().fullReason()).contains("first backup of this disk");
    }
  }

  @Test
  void cancelledBackupOfOneRepositoryLeavesTheOthersCheckpointsAlone() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      BackupBench other = BackupBench.create(directory, "other");
      SnapshotRecord a1 = backUp(vm, vm.bench(), vm.request());
      byte[] vdaOfA1 = vm.model("vda").copy();
      SnapshotRecord b1 = backUp(vm, other, vm.request());
      vm.write("vda", 10 * CHUNK, CHUNK, 3);

      cancelHalfWay(vm, other);
      assertThat(other.snapshots()).extracting(SnapshotRecord::id).containsExactly(b1.id());
      assertThat(vm.bitmaps("vda"))
          .containsExactlyInAnyOrder(bitmapOf(a1, "vda"), bitmapOf(b1, "vda"));
      vm.state().assertNothingOfOurs(directory);

      vm.write("vda", 20 * CHUNK, CHUNK, 4);
      SnapshotRecord a2 = backUp(vm, vm.bench(), vm.request());
      assertReads(a2, "vda", 2 * CHUNK);
      cancelHalfWay(vm, vm.bench());
      vm.write("vda", 30 * CHUNK, CHUNK, 5);
      SnapshotRecord b2 = backUp(vm, other, vm.request());
      assertReads(b2, "vda", 3 * CHUNK);
      SnapshotRecord a3 = backUp(vm, vm.bench(), vm.request());
      assertReads(a3, "vda", CHUNK);
      assertThat(vm.bitmaps("vda"))
          .containsExactlyInAnyOrder(bitmapOf(a3, "vda"), bitmapOf(b2, "vda"));
      vm.bench().assertRestores(a1, "vda", vdaOfA1);
    }
  }

  @Test
  void twoNamesInOneRepositoryForTheSameQemuEachGoOnFromTheirOwn() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      BackupRequest daily = BackupBench.live("daily", vm.qemu().toolSocket());
      BackupRequest weekly = BackupBench.live("weekly", vm.qemu().toolSocket());
      var unusedDaily = backUp(vm, vm.bench(), daily);
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      SnapshotRecord weekly1 = backUp(vm, vm.bench(), weekly);
      assertThat(weekly1.disk("vda").orElseThrow().fullReason())
          .contains("first backup of this disk");
      vm.write("vda", 20 * CHUNK, CHUNK, 4);
      SnapshotRecord daily2 = backUp(vm, vm.bench(), daily);
      assertReads(daily2, "vda", 2 * CHUNK);
      assertReads(daily2, "vdb", 0);
      SnapshotRecord weekly2 = backUp(vm, vm.bench(), weekly);
      assertReads(weekly2, "vda", CHUNK);
      assertThat(vm.bitmaps("vda"))
          .containsExactlyInAnyOrder(bitmapOf(daily2, "vda"), bitmapOf(weekly2, "vda"));
    }
  }

  @Test
  void diskLeftOutOnceGoesOnFromItsOwnLastSnapshot() throws Exception {
    try (BackedUpVm vm = twoDisks()) {
      SnapshotRecord first = backUp(vm, vm.bench(), vm.request());
      vm.write("vda", 10 * CHUNK, CHUNK, 3);
      vm.write("vdb", 10 * CHUNK, CHUNK, 3);
      SnapshotRecord without = backUp(vm, vm.bench(), excluding(vm, "vdb"));
      assertThat(without.disks()).extracting(DiskRecord::name).containsExactly("vda");
      assertThat(without.skipped())
          .singleElement()
          .satisfies(
              skipped -> {
                assertThat(skipped.name()).isEqualTo("vdb");
                assertThat(skipped.reason()).isEqualTo("excluded");
              });
      assertThat(vm.bitmaps("vda")).containsExactly(bitmapOf(without, "vda"));
      assertThat(vm.bitmaps("vdb")).containsExactly(bitmapOf(first, "vdb"));

      vm.write("vdb", 20 * CHUNK, CHUNK, 4);
      SnapshotRecord third = vm.backUp();
      assertReads(third, "vda", 0);
      assertReads(third, "vdb", 2 * CHUNK);
    }
  }

  private BackedUpVm twoDisks() throws Exception {
    BackedUpVm vm =
        new BackedUpVm(directory).disk("vda", "qcow2", SIZE).disk("vdb", "raw", SIZE).start();
    vm.write("vda", 0, SIZE / 2, 1);
    vm.write("vdb", 100 * 512, 1 << 20, 2);
    return vm;
  }

  private SnapshotRecord backUp(BackedUpVm vm, BackupBench bench, BackupRequest request)
      throws Exception {
    SnapshotRecord snapshot = bench.backup(request);
    for (DiskRecord disk : snapshot.disks()) {
      bench.assertRestores(snapshot, disk.name(), vm.model(disk.name()).copy());
    }
    vm.state().assertNothingOfOurs(directory);
    return snapshot;
  }

  /** Ends a backup when its first disk is about to be read; the instant has been taken then. */
  private static void cancelHalfWay(BackedUpVm vm, BackupBench bench) throws Exception {
    Cancellation cancellation = new Cancellation();
    BackupBench unused =
        bench.onEvent(
            event -> {
              if (event instanceof JobEvent.DiskStarted) {
                cancellation.cancel();
              }
            });
    assertThatThrownBy(() -> bench.backup(vm.request(), cancellation))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED))
        .hasMessage("interrupted");
    assertThat(bench.events()).anyMatch(event -> event instanceof JobEvent.PointInTime);
    BackupBench unusedToo = bench.onEvent(event -> {});
  }

  private static BackupRequest excluding(BackedUpVm vm, String disk) {
    BackupRequest all = vm.request();
    return new BackupRequest(
        all.vm(),
        all.source(),
        all.disks(),
        Set.of(disk),
        all.full(),
        all.tags(),
        all.force(),
        all.scratch(),
        all.guestAgent(),
        all.freeze(),
        all.rateLimitBytesPerSecond());
  }

  private static String bitmapOf(SnapshotRecord snapshot, String disk) {
    return snapshot.disk(disk).orElseThrow().checkpoint().orElseThrow().bitmapName();
  }

  private static void assertReads(SnapshotRecord snapshot, String name, long bytes) {
    DiskRecord disk = snapshot.disk(name).orElseThrow();
    assertThat(disk.fullReason()).isEmpty();
    assertThat(disk.incremental()).isTrue();
    assertThat(disk.statistics().readBytes()).isEqualTo(bytes);
  }
}
