package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.cleanup.CleanupJob;
import io.nbdvault.engine.cleanup.CleanupRequest;
import io.nbdvault.engine.qemu.PointInTime.CheckpointKind;
import io.nbdvault.engine.qemu.PointInTime.Part;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.GuestWrites;
import io.nbdvault.engine.testkit.LoopMount;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.WritingGuest;
import io.nbdvault.qmp.PeerCredentials;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.DirtyBitmapAdd;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scratch space on a small filesystem of its own, under a guest that writes: when it runs low, when
 * it runs out, and when it runs out with nobody there. The guest must never see an error.
 */
@Tag("long")
class ScratchSpaceIT {
  private static final long MIB = 1 << 20;
  private static final long SIZE = 64 * MIB;
  private static final GuestWrites VDA = GuestWrites.data(11, 0, SIZE);
  private static final GuestWrites VDB = GuestWrites.data(12, 0, SIZE);
  private static final Set<String> RUN_STATES = Set.of("STOP", "RESUME");
  private static final Duration PAUSE_MAX = Duration.ofSeconds(60);

  /** Slow enough for the guest to fill any scratch space of these tests before the end. */
  private static final long SLOW_BYTES_PER_SECOND = 256 << 10;

  @TempDir Path directory;

  private Path vda;
  private Path vdb;
  private BackupBench bench;
  private WritingGuest guest;
  private final List<String> events = new CopyOnWriteArrayList<>();

  @BeforeEach
  void prepare() throws IOException {
    vda = directory.resolve("vda.qcow2");
    vdb = directory.resolve("vdb.raw");
    QemuImg.create(vda, "qcow2", SIZE);
    QemuImg.create(vdb, "raw", SIZE);
    bench = BackupBench.create(directory, "repository");
    guest = WritingGuest.of(directory, VDA.spec("vda"), VDB.spec("vdb"));
  }

  @Test
  void cancelsBeforeTheGuestIsHurtWhenSpaceRunsLow() throws Exception {
    // 2 x 200 writes a second of at most 128 KiB cannot take the floor's 104 MiB between two looks.
    guest = WritingGuest.of(directory, VDA.spec("vda", 5_000), VDB.spec("vdb", 5_000));
    try (LoopMount scratch = LoopMount.create(directory, "scratch", 128 * MIB);
        QemuVm vm = start()) {
      awaitWriters();
      bench.limits(EngineLimits.defaults().withScratchFreeBytesMin(104 * MIB));

      assertThatThrownBy(() -> bench.backup(slowly(vm, scratch.path())))
          .isInstanceOfSatisfying(
              JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.FAILED))
          .hasMessageContaining("scratch space for " + scratch.path())
          .hasMessageContaining("the backup was cancelled before the guest could be hurt")
          .hasMessageContaining("--scratch");

      assertThat(events).doesNotContain("STOP", "BLOCK_IO_ERROR");
      assertNothingLeft(vm, scratch.path());
      assertThat(bench.snapshots()).isEmpty();
      assertNextBackupIsRight(vm);
      endAndCheckImages(vm);
    }
  }

  @Test
  void continuesAGuestThatFullScratchSpacePaused() throws Exception {
    try (LoopMount scratch = LoopMount.create(directory, "scratch", 16 * MIB);
        QemuVm vm = start()) {
      awaitWriters();
      SnapshotRecord full = assertNextBackupIsRight(vm);
      bench.limits(EngineLimits.defaults().withScratchFreeBytesMin(0));

      assertThatThrownBy(() -> bench.backup(slowly(vm, scratch.path())))
          .isInstanceOfSatisfying(
              JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.FAILED))
          .hasMessageStartingWith("scratch space ran out and the guest was paused: the backup was")
          .hasMessageContaining("cancelled and the guest continued")
          .hasMessageContaining("--scratch");

      assertThat(events).contains("BLOCK_IO_ERROR");
      assertThat(events.stream().filter(RUN_STATES::contains))
          .startsWith("STOP")
          .endsWith("RESUME");
      assertGuestGoesOn(vm);
      assertNothingLeft(vm, scratch.path());
      assertThat(bench.snapshots()).extracting(SnapshotRecord::id).containsExactly(full.id());
      SnapshotRecord next = assertNextBackupIsRight(vm);
      assertThat(next.disks()).allMatch(disk -> disk.incremental());
      endAndCheckImages(vm);
    }
  }

  @Test
  void cleanupContinuesAGuestThatAKilledRunsJobsPaused() throws Exception {
    try (LoopMount scratch = LoopMount.create(directory, "scratch", 16 * MIB);
        QemuVm vm = start()) {
      awaitWriters();
      BlockCommands qemu = new BlockCommands(vm.testMonitor());
      leaveJobsBehind(qemu, scratch.path());
      awaitStatus(qemu, "io-error");

      List<JobEvent> told = new ArrayList<>();
      new CleanupJob(EngineLimits.defaults(), told::add)
          .run(new CleanupRequest(vm.toolSocket(), false, Optional.empty()));

      assertThat(told)
          .contains(new JobEvent.Warning("the guest was paused by a failed write: continued"))
          .filteredOn(JobEvent.Removed.class::isInstance)
          .extracting(event -> ((JobEvent.Removed) event).kind())
          .containsOnlyOnce("bitmap")
          .contains("job", "node");
      assertGuestGoesOn(vm);
      assertNothingLeft(vm, scratch.path());
      assertNextBackupIsRight(vm);
      endAndCheckImages(vm);
    }
  }

  private QemuVm start() throws IOException {
    QemuVm vm = guest.vm().disk("vda", vda, "qcow2").disk("vdb", vdb, "raw").start();
    var unused = vm.testMonitor().onEvent(event -> events.add(event.name()));
    return vm;
  }

  private void awaitWriters() throws IOException, InterruptedException {
    guest.awaitWrite("vda", VDA, 100);
    guest.awaitWrite("vdb", VDB, 100);
  }

  private static BackupRequest slowly(QemuVm vm, Path scratch) {
    return request(vm, Optional.of(scratch), OptionalLong.of(SLOW_BYTES_PER_SECOND));
  }

  private static BackupRequest request(
      QemuVm vm, Optional<Path> scratch, OptionalLong bytesPerSecond) {
    return new BackupRequest(
        "vm",
        new BackupRequest.RunningQemu(vm.toolSocket()),
        Set.of(),
        Set.of(),
        false,
        new TreeMap<>(),
        false,
        scratch,
        Optional.empty(),
        BackupRequest.Freeze.NEVER,
        bytesPerSecond);
  }

  /** Takes an instant as a run does that is then killed: jobs, filters, overlays, a bitmap. */
  private void leaveJobsBehind(BlockCommands qemu, Path scratch) throws Exception {
    RunNames names = new RunNames("0123456789abcdef0123456789abcdef", SnapshotId.random());
    PointInTime pointInTime = new PointInTime(qemu, names);
    PeerCredentials owner = new PeerCredentials(0, 0, 0);
    List<Part> parts = new ArrayList<>();
    for (String disk : List.of("vda", "vdb")) {
      LiveDisk live =
          LiveDisk.of(disk, qemu.findNode(QemuVm.nodeName(disk)).orElseThrow(), Optional.empty());
      Part part = new Part(parts.size(), live, Optional.empty(), CheckpointKind.NONE);
      pointInTime.addOverlay(
          part, ScratchFile.create(scratch, live.image(), names, SIZE, owner).path());
      parts.add(part);
    }
    pointInTime.take(parts);
    qemu.dirtyBitmapAdd(
        new DirtyBitmapAdd(QemuVm.nodeName("vda"), names.exportBitmap(), 65536, false, true));
  }

  private static void awaitStatus(BlockCommands qemu, String status) throws Exception {
    long deadline = System.nanoTime() + PAUSE_MAX.toNanos();
    while (!qemu.queryStatus().status().equals(status)) {
      assertThat(System.nanoTime()).as("time to become %s", status).isLessThan(deadline);
      Thread.sleep(20);
    }
  }

  private void assertGuestGoesOn(QemuVm vm) throws Exception {
    assertThat(new BlockCommands(vm.testMonitor()).queryStatus().status()).isEqualTo("running");
    guest.awaitMore("vda", VDA, 1);
    guest.awaitMore("vdb", VDB, 1);
    guest.assertNoError();
  }

  private void assertNothingLeft(QemuVm vm, Path scratch) throws IOException {
    QemuState state = new QemuState(vm.testMonitor());
    state.assertNothingOfOurs(directory);
    int checkpoints = bench.snapshots().isEmpty() ? 0 : 2; // One for each disk.
    assertThat(state.ourBitmaps())
        .as("bitmaps")
        .hasSize(checkpoints)
        .allMatch(name -> name.startsWith("nbdvault-cp-"));
    try (Stream<Path> files = Files.list(scratch)) {
      assertThat(files.filter(Files::isRegularFile)).as("files in %s", scratch).isEmpty();
    }
  }

  /** With room for its scratch files beside the images. */
  private SnapshotRecord assertNextBackupIsRight(QemuVm vm) throws Exception {
    bench.limits(EngineLimits.defaults().withScratchFreeBytesMin(MIB));
    long vdaBefore = guest.acknowledged("vda", VDA);
    long vdbBefore = guest.acknowledged("vdb", VDB);
    SnapshotRecord snapshot = bench.backup(request(vm, Optional.empty(), OptionalLong.empty()));
    assertThat(checkRestored(snapshot, "vda", VDA)).isGreaterThanOrEqualTo(vdaBefore);
    assertThat(checkRestored(snapshot, "vdb", VDB)).isGreaterThanOrEqualTo(vdbBefore);
    return snapshot;
  }

  private long checkRestored(SnapshotRecord snapshot, String disk, GuestWrites writes)
      throws Exception {
    Path restored = bench.restore(snapshot, disk);
    long k = writes.check(restored);
    Files.delete(restored);
    return k;
  }

  private void endAndCheckImages(QemuVm vm) throws IOException {
    guest.assertNoError();
    long vdaBefore = guest.acknowledged("vda", VDA);
    vm.quit();
    Path raw = directory.resolve("vda.raw");
    QemuImg.convert(vda, "qcow2", raw, "raw");
    assertThat(VDA.check(raw)).isGreaterThanOrEqualTo(vdaBefore);
    assertThat(VDB.check(vdb)).isPositive();
  }
}
