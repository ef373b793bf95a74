package io.nbdvault.qmp.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpEvent;
import io.nbdvault.qmp.QmpOptions;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import io.nbdvault.qmp.testkit.StorageDaemonProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class BlockCommandsIT {
  private static final long MIB = 1 << 20;
  private static final String NODE = QemuVm.nodeName("vda");

  @TempDir Path dir;
  private Path image;

  @BeforeEach
  void createImage() throws Exception {
    image = dir.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", 16 * MIB);
  }

  private QemuVm start() throws Exception {
    return QemuVm.builder(dir).disk("vda", image, "qcow2").start();
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Adds a scratch overlay over the disk. */
  private void addScratch(BlockCommands block) throws Exception {
    Path scratch = dir.resolve("scratch.qcow2");
    QemuImg.create(scratch, "qcow2", 16 * MIB);
    ObjectNode overlay =
        object().put("driver", "qcow2").put("node-name", "fl0").put("backing", NODE);
    overlay.set("file", object().put("driver", "file").put("filename", scratch.toString()));
    block.blockdevAdd(overlay);
  }

  private static String await(BlockingQueue<QmpEvent> events, String name) throws Exception {
    for (int i = 0; i < 1_000; i++) {
      QmpEvent event = events.poll(20, TimeUnit.SECONDS);
      assertThat(event).as("event %s", name).isNotNull();
      if (event.name().equals(name)) {
        return event.data().toString();
      }
    }
    throw new AssertionError("no event " + name);
  }

  @Test
  void describesDevicesAndNodes() throws Exception {
    Path overlay = dir.resolve("top.qcow2");
    QemuImg.createOverlay(overlay, image, "qcow2");
    try (QemuVm vm =
            QemuVm.builder(dir)
                .disk("vda", overlay, "qcow2")
                .cdrom()
                .args("-name", "web1", "-uuid", "11111111-2222-3333-4444-555555555555")
                .start();
        QmpClient client = QmpClient.connect(vm.toolSocket(), QmpOptions.defaults())) {
      BlockCommands block = new BlockCommands(client);
      List<BlockDevice> devices = block.queryBlock();
      assertThat(devices).extracting(BlockDevice::deviceId).containsExactlyInAnyOrder("vda", "cd0");
      BlockDevice vda = device(devices, "vda");
      assertThat(vda.removable()).isFalse();
      BlockNode node = vda.inserted();
      assertThat(node).isNotNull();
      assertThat(node.nodeName()).isEqualTo(NODE);
      assertThat(node.driver()).isEqualTo("qcow2");
      assertThat(node.virtualSizeBytes()).isEqualTo(16 * MIB);
      assertThat(node.readOnly()).isFalse();
      assertThat(node.throttled()).isFalse();
      assertThat(node.file()).isEqualTo(overlay.toString());
      assertThat(node.backingFile()).isEqualTo(image.toString());
      assertThat(node.chain())
          .extracting(BlockImage::filename)
          .containsExactly(overlay.toString(), image.toString());
      assertThat(node.formatSpecific().orElseThrow().path("compat").asText()).isEqualTo("1.1");
      assertThat(device(devices, "cd0").inserted()).isNull();
      assertThat(device(devices, "cd0").removable()).isTrue();
      assertThat(block.queryUuid()).contains("11111111-2222-3333-4444-555555555555");
      assertThat(block.queryName()).contains("web1");
      assertThat(block.queryVersion()).isEqualTo(client.greeting());
      assertThat(block.findNode("vda-file").orElseThrow().driver()).isEqualTo("file");
      assertThat(block.findNode("missing")).isEmpty();
      assertThat(block.queryBlockGraph().child(NODE, "file")).contains("vda-file");
    }
  }

  private static BlockDevice device(List<BlockDevice> devices, String id) {
    return devices.stream().filter(d -> id.equals(d.deviceId())).findFirst().orElseThrow();
  }

  @Test
  void statusNameAndUuidOfABareVm() throws Exception {
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      assertThat(block.queryStatus()).isEqualTo(new VmStatus("prelaunch", false));
      assertThat(block.queryUuid()).isEmpty();
      assertThat(block.queryName()).isEmpty();
      block.cont();
      assertThat(block.queryStatus()).isEqualTo(new VmStatus("running", true));
      block.stop();
      assertThat(block.queryStatus()).isEqualTo(new VmStatus("paused", false));
      assertThat(block.hmp("info status")).contains("paused");
      assertThat(block.qomList("/machine/peripheral"))
          .contains(new QomProperty("vda", "child<virtio-blk-pci>"));
      assertThat(block.qomGet("/machine/peripheral/vda", "drive").asText()).isEqualTo(NODE);
    }
  }

  @Test
  void onePointInTimeIsTakenExportedAndTornDown() throws Exception {
    BlockingQueue<QmpEvent> events = new LinkedBlockingQueue<>();
    try (QemuVm vm = start();
        QmpClient client = QmpClient.connect(vm.toolSocket(), QmpOptions.defaults());
        var subscription = client.onEvent(events::add)) {
      assertThat(subscription).isNotNull();
      BlockCommands block = new BlockCommands(client);
      block.dirtyBitmapAdd(NODE, "cp0", 65536, true, false);
      vm.guestWrite("vda", MIB, 65536, 1);
      addScratch(block);
      block.transaction(
          List.of(
              new BlockdevBackup(NODE, "fl0", "job0", "cbw0"),
              new DirtyBitmapAdd(NODE, "cp1", 65536, true, false),
              new DirtyBitmapAdd(NODE, "exp0", 65536, false, true),
              new DirtyBitmapMerge(NODE, "exp0", List.of("cp0"))));
      vm.guestWrite("vda", MIB, 65536, 2);
      vm.guestWrite("vda", 3 * MIB, 131072, 2);

      BlockNode node = block.findNode(NODE).orElseThrow();
      assertThat(node.bitmap("exp0"))
          .contains(new DirtyBitmap("exp0", 65536, 65536, false, false, false, false));
      assertThat(node.bitmap("cp1").orElseThrow().countBytes()).isEqualTo(3 * 65536);
      assertThat(node.bitmap("cp0").orElseThrow().countBytes()).isEqualTo(3 * 65536);
      assertThat(device(block.queryBlock(), "vda").inserted()).isNotNull();
      assertThat(block.queryBlock().toString()).contains("nodeName=cbw0");
      assertThat(block.queryBlockGraph().child("cbw0", "file")).contains(NODE);
      assertThat(block.queryBlockJobs())
          .singleElement()
          .satisfies(job -> assertThat(job.status()).isEqualTo("running"));
      assertThat(block.queryJobs()).extracting(JobInfo::id).containsExactly("job0");

      readExportAndTearDown(block, events);
      assertThat(block.queryNamedBlockNodes())
          .extracting(BlockNode::nodeName)
          .containsExactlyInAnyOrder(NODE, "vda-file");
      vm.guestRead("vda", MIB, 65536, 2);
      block.dirtyBitmapRemove(NODE, "exp0");
      block.dirtyBitmapRemove(NODE, "cp0");
      vm.quit();
    }
    assertThat(QemuImg.bitmaps(image)).containsExactly("cp1");
    QemuImg.check(image);
  }

  private void readExportAndTearDown(BlockCommands block, BlockingQueue<QmpEvent> events)
      throws Exception {
    Path socket = dir.resolve("nbd.sock");
    block.nbdServerStart(socket);
    assertThatThrownBy(() -> block.nbdServerStart(socket))
        .isInstanceOfSatisfying(
            QmpCommandException.class, e -> assertThat(e.desc()).contains("already running"));
    block.blockExportAddNbd(
        new BlockExportRequest(
            "exp0", "fl0", "vda", false, List.of(new NodeBitmap(NODE, "exp0")), true));
    assertThat(block.queryBlockExports())
        .containsExactly(new BlockExport("exp0", "nbd", "fl0", false));
    Path copy = dir.resolve("copy.raw");
    String unused =
        QemuImg.run(
            List.of("convert", "-O", "raw", "nbd+unix:///vda?socket=" + socket, copy.toString()));
    byte[] content = Files.readAllBytes(copy);
    assertThat(content).hasSize((int) (16 * MIB));
    assertThat(content[(int) MIB]).isEqualTo((byte) 1);
    assertThat(content[(int) (3 * MIB)]).isZero();

    block.blockExportDel("exp0", true);
    assertThat(await(events, "BLOCK_EXPORT_DELETED")).contains("exp0");
    block.nbdServerStop();
    block.jobCancel("job0");
    for (int i = 0; i < 500 && !block.queryJobs().isEmpty(); i++) {
      Thread.sleep(20);
    }
    assertThat(block.queryJobs()).isEmpty();
    block.blockdevDel("fl0");
  }

  @Test
  void failedTransactionLeavesNothingBehind() throws Exception {
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      addScratch(block);
      assertThatThrownBy(
              () ->
                  block.transaction(
                      List.of(
                          new BlockdevBackup(NODE, "fl0", "job0", "cbw0"),
                          new DirtyBitmapAdd(NODE, "cp1", 65536, true, false),
                          new AbortAction())))
          .isInstanceOf(QmpCommandException.class);
      assertThat(block.queryJobs()).isEmpty();
      assertThat(block.findNode(NODE).orElseThrow().dirtyBitmaps()).isEmpty();
      assertThat(block.findNode("cbw0")).isEmpty();
      block.blockdevDel("fl0");
    }
  }

  @Test
  void bitmapStoredOnceIsInconsistentAfterAKill() throws Exception {
    try (QemuVm vm = start()) {
      new BlockCommands(vm.testMonitor()).dirtyBitmapAdd(NODE, "cp0", 65536, true, false);
      vm.quit();
    }
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      DirtyBitmap loaded = block.findNode(NODE).orElseThrow().bitmap("cp0").orElseThrow();
      assertThat(loaded.persistent()).isTrue();
      assertThat(loaded.recording()).isTrue();
      assertThat(loaded.inconsistent()).isFalse();
      vm.kill();
    }
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      assertThat(block.findNode(NODE).orElseThrow().bitmap("cp0").orElseThrow().inconsistent())
          .isTrue();
      block.dirtyBitmapRemove(NODE, "cp0");
      assertThat(block.findNode(NODE).orElseThrow().dirtyBitmaps()).isEmpty();
    }
  }

  @Test
  void bitmapActionsInOneTransaction() throws Exception {
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      block.dirtyBitmapAdd(NODE, "a", 65536, false, false);
      block.dirtyBitmapAdd(NODE, "b", 65536, false, true);
      vm.guestWrite("vda", 0, 65536, 9);
      block.dirtyBitmapMerge(NODE, "b", List.of("a"));
      block.transaction(
          List.of(
              new DirtyBitmapClear(NODE, "a"),
              new DirtyBitmapDisable(NODE, "a"),
              new DirtyBitmapEnable(NODE, "b")));
      BlockNode node = block.findNode(NODE).orElseThrow();
      assertThat(node.bitmap("a"))
          .contains(new DirtyBitmap("a", 65536, 0, false, false, false, false));
      assertThat(node.bitmap("b"))
          .contains(new DirtyBitmap("b", 65536, 65536, true, false, false, false));
      block.transaction(
          List.of(new DirtyBitmapRemove(NODE, "a"), new DirtyBitmapRemove(NODE, "b")));
      assertThat(block.findNode(NODE).orElseThrow().dirtyBitmaps()).isEmpty();
    }
  }

  @Test
  void objectsAreAddedChangedAndRemoved() throws Exception {
    try (QemuVm vm = start()) {
      BlockCommands block = new BlockCommands(vm.testMonitor());
      ObjectNode group = object().put("qom-type", "throttle-group").put("id", "tg");
      group.set("limits", object().put("bps-read", MIB));
      block.objectAdd(group);
      assertThat(block.qomList("/objects")).extracting(QomProperty::name).contains("tg");
      ObjectNode limits = object().put("bps-read", 2 * MIB);
      block.qomSet("/objects/tg", "limits", limits);
      assertThat(block.qomGet("/objects/tg", "limits").path("bps-read").asLong())
          .isEqualTo(2 * MIB);
      block.objectDel("tg");
      assertThat(block.qomList("/objects")).extracting(QomProperty::name).doesNotContain("tg");
    }
  }

  @Test
  void storageDaemonHasNodesAndNoDevices() throws Exception {
    try (StorageDaemonProcess daemon =
            StorageDaemonProcess.start(
                dir,
                "--blockdev",
                "driver=qcow2,node-name=d0,file.driver=file,file.filename=" + image);
        QmpClient client = QmpClient.connect(daemon.toolSocket(), QmpOptions.defaults())) {
      BlockCommands block = new BlockCommands(client);
      assertThat(client.peer().pid()).isEqualTo(daemon.pid());
      assertThat(block.queryBlock()).isEmpty();
      assertThat(block.findNode("d0").orElseThrow().virtualSizeBytes()).isEqualTo(16 * MIB);
      block.dirtyBitmapAdd("d0", "cp0", 65536, true, false);
      daemon.quit();
    }
    assertThat(QemuImg.bitmaps(image)).containsExactly("cp0");
  }
}
