package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.cleanup.CleanupJob;
import io.nbdvault.engine.cleanup.CleanupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.client.NbdClient;
import io.nbdvault.nbd.client.NbdClientOptions;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.BlockExport;
import io.nbdvault.qmp.block.BlockExportRequest;
import io.nbdvault.qmp.block.BlockNode;
import io.nbdvault.qmp.block.JobInfo;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run that was killed leaves in a QEMU goes; what anybody else has there stays. */
class LeftoversIT {
  private static final int SIZE = 4 << 20;
  private static final String FOREIGN_ID = "f".repeat(32);
  private static final String FOREIGN_CHECKPOINT =
      "nbdvault-cp-" + FOREIGN_ID + "-" + "1".repeat(32);
  private static final String FOREIGN_EXPORT =
      "nbdvault-export-" + FOREIGN_ID + "-" + "2".repeat(32);

  @TempDir Path directory;
  private Path image;
  private DiskModel model;
  private BackupBench bench;
  private QemuVm vm;
  private BlockCommands qemu;
  private SnapshotRecord first;
  private RunNames killed;

  @BeforeEach
  void backUpAndKillTheNextRun() throws Exception {
    image = directory.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    model = new DiskModel(SIZE);
    bench = BackupBench.create(directory, "repository");
    vm = QemuVm.builder(directory).disk("vda", image, "qcow2").start();
    qemu = new BlockCommands(vm.testMonitor());
    model.write(vm, "vda", 0, 1 << 20, 1);
    first = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    model.write(vm, "vda", 65536, 65536, 2);
    leaveWhatAKilledRunLeaves();
    leaveWhatOthersHave();
    // The guest goes on, through the dead run's filter.
    model.write(vm, "vda", 131072, 65536, 3);
    model.write(vm, "vda", 3 << 20, 4096, 4);
  }

  @AfterEach
  void stop() throws Exception {
    vm.close();
  }

  /** Everything that a run makes, as it stands while disks are being read. */
  private void leaveWhatAKilledRunLeaves() throws Exception {
    String repository;
    try (ChunkStore store = Repositories.openReadOnly(bench.repository())) {
      repository = store.config().repositoryId();
    }
    killed = new RunNames(repository, SnapshotId.random());
    BlockNode node = qemu.findNode("vda-node").orElseThrow();
    LiveDisk disk = LiveDisk.of("vda", node, Optional.empty());
    PointInTime.Part part =
        new PointInTime.Part(
            0,
            disk,
            disk.bitmaps().stream().filter(b -> b.name().startsWith("nbdvault-cp-")).findFirst(),
            PointInTime.CheckpointKind.PERSISTENT);
    assertThat(part.previous()).as("the first backup's checkpoint").isPresent();
    ScratchFile scratch =
        ScratchFile.create(directory, disk.image(), killed, SIZE, vm.testMonitor().peer());
    PointInTime pointInTime = new PointInTime(qemu, killed);
    pointInTime.addOverlay(part, scratch.path());
    pointInTime.take(List.of(part));
    pointInTime.startServer(socket());
    pointInTime.addThrottleGroup(1 << 20);
    pointInTime.export(part, true, OptionalLong.of(1 << 20));
  }

  private Path socket() {
    return vm.toolSocket().resolveSibling(killed.of(RunNames.Role.SERVER));
  }

  private void leaveWhatOthersHave() throws Exception {
    qemu.dirtyBitmapAdd("vda-node", FOREIGN_CHECKPOINT, 65536, true, false);
    qemu.dirtyBitmapAdd("vda-node", FOREIGN_EXPORT, 65536, false, true);
    qemu.dirtyBitmapAdd("vda-node", "mine", 65536, false, false);
    qemu.blockdevAdd(
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", "null-co")
            .put("node-name", "theirs")
            .put("size", 1 << 20));
    qemu.objectAdd(
        JsonNodeFactory.instance
            .objectNode()
            .put("qom-type", "throttle-group")
            .put("id", "nbdv-theirs"));
  }

  private List<String> bitmaps() throws Exception {
    return qemu.findNode("vda-node").orElseThrow().dirtyBitmaps().stream()
        .map(bitmap -> bitmap.name())
        .filter(name -> !name.isEmpty())
        .toList();
  }

  private static String checkpointOf(SnapshotRecord snapshot) {
    return snapshot.disk("vda").orElseThrow().checkpoint().orElseThrow().bitmapName();
  }

  /** The other's object has our letters but not our form: it was there to be left alone. */
  private void assertOnlyOthersAreLeft() throws Exception {
    assertThat(qemu.queryNamedBlockNodes()).extracting(BlockNode::nodeName).contains("theirs");
    assertThat(qemu.qomList("/objects")).extracting(o -> o.name()).contains("nbdv-theirs");
    qemu.objectDel("nbdv-theirs");
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void cleanUp(boolean all, List<JobEvent> events) throws Exception {
    new CleanupJob(EngineLimits.defaults(), events::add)
        .run(new CleanupRequest(vm.toolSocket(), all, Optional.empty()));
  }

  private static List<String> removed(List<JobEvent> events, String kind) {
    return events.stream()
        .filter(JobEvent.Removed.class::isInstance)
        .map(JobEvent.Removed.class::cast)
        .filter(e -> e.kind().equals(kind))
        .map(JobEvent.Removed::name)
        .toList();
  }

  @Test
  void nextBackupRemovesThemAndContinuesFromTheCommittedCheckpoint() throws Exception {
    SnapshotRecord next = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(next.disk("vda").orElseThrow().fullReason()).isEmpty();
    assertThat(next.disk("vda").orElseThrow().statistics().readBytes()).isEqualTo(3 * 65536);
    bench.assertRestores(next, "vda", model.copy());
    assertThat(bitmaps())
        .containsExactlyInAnyOrder(checkpointOf(next), FOREIGN_CHECKPOINT, FOREIGN_EXPORT, "mine");
    List<JobEvent> events = bench.events();
    assertThat(removed(events, "job")).containsExactly(killed.of(RunNames.Role.JOB, 0));
    assertThat(removed(events, "export")).containsExactly(killed.of(RunNames.Role.EXPORT, 0));
    assertThat(removed(events, "NBD server")).containsExactly(killed.of(RunNames.Role.SERVER));
    assertThat(removed(events, "bitmap"))
        .containsExactlyInAnyOrder(killed.checkpointBitmap(), killed.exportBitmap());
    assertOnlyOthersAreLeft();
  }

  @Test
  void cleanupRemovesThemAndKeepsEveryCheckpoint() throws Exception {
    List<JobEvent> events = new ArrayList<>();
    cleanUp(false, events);
    assertThat(bitmaps())
        .as("without a repository nobody can tell a stale checkpoint from a good one")
        .containsExactlyInAnyOrder(
            checkpointOf(first), killed.checkpointBitmap(), FOREIGN_CHECKPOINT, "mine");
    assertThat(removed(events, "bitmap"))
        .containsExactlyInAnyOrder(killed.exportBitmap(), FOREIGN_EXPORT);
    assertThat(removed(events, "job")).containsExactly(killed.of(RunNames.Role.JOB, 0));
    assertOnlyOthersAreLeft();

    SnapshotRecord next = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(next.disk("vda").orElseThrow().statistics().readBytes()).isEqualTo(3 * 65536);
    bench.assertRestores(next, "vda", model.copy());
    assertThat(bitmaps()).containsExactlyInAnyOrder(checkpointOf(next), FOREIGN_CHECKPOINT, "mine");
  }

  @Test
  void cleanupOfEverythingRemovesAllCheckpointsAndTheNextBackupIsFull() throws Exception {
    List<JobEvent> events = new ArrayList<>();
    cleanUp(true, events);
    assertThat(bitmaps()).containsExactly("mine");
    assertOnlyOthersAreLeft();
    SnapshotRecord next = bench.backup(BackupBench.live("vm", vm.toolSocket()));
    assertThat(next.disk("vda").orElseThrow().fullReason())
        .hasValue("the bitmap of its last snapshot is missing");
    bench.assertRestores(next, "vda", model.copy());
  }

  @Test
  void cleanupOfACleanVmChangesNothing() throws Exception {
    cleanUp(false, new ArrayList<>());
    List<String> before = bitmaps();
    List<JobEvent> events = new ArrayList<>();
    cleanUp(false, events);
    assertThat(events).isEmpty();
    assertThat(bitmaps()).isEqualTo(before);
  }

  /** Somebody has put an export of theirs on the server that a killed run left. */
  @Test
  void serverThatSomebodyElseUsesStaysUntilTheyHaveGone() throws Exception {
    qemu.blockExportAddNbd(
        new BlockExportRequest("theirs", "theirs", "theirs", false, List.of(), false));
    cleanUp(false, new ArrayList<>());
    assertThat(qemu.queryBlockExports()).extracting(BlockExport::id).containsExactly("theirs");
    assertThat(qemu.queryJobs()).extracting(JobInfo::id).isEmpty();
    try (NbdClient client =
        NbdClient.open(NbdUri.unix(socket(), "theirs"), NbdClientOptions.defaults())) {
      assertThat(client.export().sizeBytes()).isEqualTo(1 << 20);
    }
    qemu.blockExportDel("theirs", true);
    cleanUp(false, new ArrayList<>());
    assertThat(socket()).doesNotExist();
    assertOnlyOthersAreLeft();
  }
}
