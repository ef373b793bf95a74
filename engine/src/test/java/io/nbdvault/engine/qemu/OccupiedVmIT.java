package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpOptions;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExport;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody else was there first: their work goes on, and the backup says what is in its way. */
class OccupiedVmIT {
  private static final int SIZE = 4 << 20;

  @TempDir Path directory;
  private DiskModel model;
  private BackupBench bench;
  private QemuVm vm;
  private BlockCommands qemu;
  private Path thirdMonitor;

  @BeforeEach
  void start() throws Exception {
    Path image = directory.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    model = new DiskModel(SIZE);
    bench = BackupBench.create(directory, "repository");
    thirdMonitor = directory.resolve("third.qmp");
    vm =
        QemuVm.builder(directory)
            .disk("vda", image, "qcow2")
            .args("-qmp", "unix:" + thirdMonitor + ",server=on,wait=off")
            .start();
    qemu = new BlockCommands(vm.testMonitor());
    model.write(vm, "vda", 0, 1 << 20, 1);
  }

  @AfterEach
  void stop() throws Exception {
    vm.close();
  }

  private JobException failure() {
    return catchThrowableOfType(
        JobException.class, () -> bench.backup(BackupBench.live("vm", vm.toolSocket())));
  }

  private void assertBacksUpNow() throws Exception {
    SnapshotRecord snapshot = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    bench.assertRestores(snapshot, "vda", model.copy());
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  @Test
  void foreignNbdServerIsRefusedInOneSentenceAndLeftRunning() throws Exception {
    Path socket = directory.resolve("foreign.sock");
    qemu.nbdServerStart(socket);
    JobException failure = failure();
    assertThat(failure.kind()).isEqualTo(JobException.Kind.FAILED);
    assertThat(failure)
        .hasMessageStartingWith("QEMU's NBD server is already running and is not ours");
    assertThatThrownBy(() -> qemu.nbdServerStart(directory.resolve("other.sock")))
        .as("it runs on")
        .isInstanceOf(QmpCommandException.class)
        .hasMessageContaining("already running");
    assertThat(bench.snapshots()).isEmpty();
    qemu.nbdServerStop();
    QemuState state = new QemuState(vm.testMonitor());
    state.assertNothingOfOurs(directory);
    assertThat(state.ourBitmaps()).isEmpty();
    assertBacksUpNow();
  }

  @Test
  void foreignExportGoesOnServingWhileTheBackupIsRefused() throws Exception {
    Path socket = directory.resolve("foreign.sock");
    qemu.nbdServerStart(socket);
    qemu.blockdevAdd(
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", "null-co")
            .put("node-name", "theirs")
            .put("read-zeroes", true)
            .put("size", 1 << 20));
    qemu.blockExportAddNbd(
        new BlockExportRequest("theirs", "theirs", "theirs", false, List.of(), false));
    try (NbdClient client =
        NbdClient.open(NbdUri.unix(socket, "theirs"), NbdClientOptions.defaults())) {
      assertThat(failure())
          .hasMessageStartingWith("QEMU's NBD server is already running and is not ours");
      var unused = client.blockStatus(0, 512).get();
    }
    assertThat(qemu.queryBlockExports()).extracting(BlockExport::id).containsExactly("theirs");
    qemu.blockExportDel("theirs", true);
    qemu.nbdServerStop();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    assertThat(qemu.queryNamedBlockNodes()).extracting(BlockNode::nodeName).contains("theirs");
  }

  @Test
  void qmpSocketInUseIsRefusedWithinSeconds() throws Exception {
    try (QmpClient somebody = QmpClient.connect(vm.toolSocket(), QmpOptions.defaults())) {
      long beganNanos = System.nanoTime();
      JobException failure = failure();
      assertThat(Duration.ofNanos(System.nanoTime() - beganNanos))
          .isLessThan(Duration.ofSeconds(10));
      assertThat(failure.kind()).isEqualTo(JobException.Kind.FAILED);
      assertThat(failure)
          .hasMessageContaining(vm.toolSocket().toString())
          .hasMessageContaining("another client");
      assertThat(somebody.isOpen()).isTrue();
    }
    assertBacksUpNow();
  }

  @Test
  void secondRunOnAnotherMonitorIsToldThatTheVmIsBusy() throws Exception {
    BackupBench second = BackupBench.create(directory, "second");
    AtomicReference<Throwable> refusal = new AtomicReference<>();
    bench.onEvent(
        event -> {
          if (event instanceof JobEvent.PointInTime) {
            refusal.set(
                catchThrowableOfType(
                    JobException.class, () -> second.backup(BackupBench.live("vm", thirdMonitor))));
          }
        });
    SnapshotRecord snapshot = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(refusal.get())
        .hasMessageStartingWith("this VM is being backed up by this process")
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.VM_BUSY));
    bench.assertRestores(snapshot, "vda", model.copy());
    assertThat(second.snapshots()).isEmpty();
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);

    SnapshotRecord afterwards = second.backup(BackupBench.live("vm", thirdMonitor));
    second.assertRestores(afterwards, "vda", model.copy());
  }
}
