package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.SocketProxy;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The QMP session ends while QEMU lives: nothing may be left in the guest, and nothing hidden. */
class LostSessionIT {
  private static final int SIZE = 8 << 20;

  @TempDir Path directory;

  @Test
  void sessionLostAfterTheInstantIsReplacedAndEverythingPutBack() throws Exception {
    Path image = directory.resolve("a.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    DiskModel model = new DiskModel(SIZE);
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start();
        SocketProxy proxy = SocketProxy.start(directory.resolve("proxy.sock"), vm.toolSocket())) {
      Path socket = directory.resolve("proxy.sock");
      model.write(vm, "vda", 0, 4 << 20, 1);
      SnapshotRecord full = bench.backup(BackupBench.live("vm", socket));
      model.write(vm, "vda", 65536, 65536, 2);

      bench.onEvent(
          event -> {
            if (event instanceof JobEvent.PointInTime) {
              proxy.cut();
            }
          });
      assertThatThrownBy(() -> bench.backup(BackupBench.live("vm", socket)))
          .isInstanceOf(JobException.class)
          .hasMessage("QEMU ended, or closed its QMP session");
      bench.onEvent(event -> {});
      assertThat(bench.snapshots()).hasSize(1);
      QemuState state = new QemuState(vm.testMonitor());
      state.assertNothingOfOurs(directory);
      assertThat(state.ourBitmaps()).singleElement().matches(b -> b.endsWith(full.id().hex()));

      SnapshotRecord next = bench.backup(BackupBench.live("vm", socket));
      assertThat(next.disk("vda").orElseThrow().incremental()).isTrue();
      bench.assertRestores(next, "vda", model.copy());
    }
  }

  @Test
  void sessionLostAfterTheCommitLeavesTheNewCheckpointAndNothingElse() throws Exception {
    Path image = directory.resolve("a.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    BackupBench bench = BackupBench.create(directory, "repository");
    try (QemuVm vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start();
        SocketProxy proxy = SocketProxy.start(directory.resolve("proxy.sock"), vm.toolSocket())) {
      vm.guestWrite("vda", 0, 1 << 20, 1);
      bench.onEvent(
          event -> {
            if (event instanceof JobEvent.Committed) {
              proxy.cut();
            }
          });
      SnapshotRecord snapshot =
          bench.backup(BackupBench.live("vm", directory.resolve("proxy.sock")));
      QemuState state = new QemuState(vm.testMonitor());
      state.assertNothingOfOurs(directory);
      assertThat(state.ourBitmaps()).singleElement().matches(b -> b.endsWith(snapshot.id().hex()));
    }
  }
}
