package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.backup.BackupJob;
import io.nbdvault.engine.source.BackupRequest;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.InterceptedStore;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.Variations;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.block.JobInfo;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever ends a backup in the middle: nothing is committed, the VM is put back, the previous
 * checkpoint still counts, and the next backup is right.
 */
class InterruptedBackupIT {
  private static final int SIZE = 16 << 20;

  /** Slow enough that the middle of a backup of what {@link #change} writes takes half a minute. */
  private static final long SLOWLY = 256 << 10;

  @TempDir Path directory;
  private Path image;
  private DiskModel model;
  private BackupBench bench;
  private QemuVm vm;
  private SnapshotRecord first;

  @BeforeEach
  void backUpOnce() throws Exception {
    image = directory.resolve("vda.qcow2");
    QemuImg.create(image, "qcow2", SIZE);
    model = new DiskModel(SIZE);
    bench = BackupBench.create(directory, "repository");
    vm = start();
    model.write(vm, "vda", 0, 200_192, 1);
    first = bench.backup(live());
    change();
  }

  @AfterEach
  void stop() throws Exception {
    vm.close();
  }

  private QemuVm start() throws IOException {
    return QemuVm.builder(directory).disk("vda", image, "qcow2").start();
  }

  private BackupRequest live() {
    return BackupBench.live("vm", vm.toolSocket());
  }

  /** 6 MiB that the next incremental has to read. */
  private void change() throws IOException {
    for (int mib = 2; mib < 8; mib++) {
      model.write(vm, "vda", mib << 20, 1 << 20, 10 + mib);
    }
    model.write(vm, "vda", 4096, 4096, 2);
    vm.guestFlush("vda");
  }

  private void assertNothingCommittedAndNextIsRight() throws Exception {
    assertThat(bench.snapshots()).extracting(SnapshotRecord::id).containsExactly(first.id());
    QemuState state = new QemuState(vm.testMonitor());
    state.assertNothingOfOurs(directory);
    assertThat(state.ourBitmaps())
        .as("the previous checkpoint is kept, and only that")
        .singleElement()
        .matches(name -> name.endsWith(first.id().hex()));
    model.write(vm, "vda", 12 << 20, 65536, 77);
    bench.onEvent(event -> {});
    SnapshotRecord next = bench.backup(live());
    assertThat(next.disk("vda").orElseThrow().incremental()).isTrue();
    assertThat(next.disk("vda").orElseThrow().statistics().readBytes())
        .isEqualTo((6 << 20) + 2 * 65536);
    bench.assertRestores(first, "vda", firstContent());
    bench.assertRestores(next, "vda", model.copy());
    assertThat(state.ourBitmaps()).singleElement().matches(b -> b.endsWith(next.id().hex()));
  }

  private static byte[] firstContent() {
    DiskModel before = new DiskModel(SIZE);
    before.note(0, 200_192, 1);
    return before.copy();
  }

  @ParameterizedTest
  @ValueSource(classes = {JobEvent.PointInTime.class, JobEvent.Progress.class})
  void qemuKilledInTheMiddleIsSaidWithinSecondsAndTheNextBackupIsRight(Class<?> when)
      throws Exception {
    AtomicBoolean killed = new AtomicBoolean();
    long[] killedNanos = new long[1];
    bench.onEvent(
        event -> {
          if (when.isInstance(event) && killed.compareAndSet(false, true)) {
            killedNanos[0] = System.nanoTime();
            kill();
          }
        });
    JobException failure =
        catchThrowableOfType(
            JobException.class, () -> bench.backup(Variations.rateLimited(live(), SLOWLY)));
    assertThat(Duration.ofNanos(System.nanoTime() - killedNanos[0]))
        .isLessThan(Duration.ofSeconds(10));
    assertThat(failure.kind()).isEqualTo(JobException.Kind.FAILED);
    // Whichever of its sockets is found closed first.
    assertThat(failure)
        .hasMessageMatching(
            "QEMU ended, or closed its QMP session|disk vda cannot be backed up: .*closed.*");
    assertThat(bench.snapshots()).extracting(SnapshotRecord::id).containsExactly(first.id());
    assertNoFilesOfOurs();

    bench.onEvent(event -> {});
    vm.close();
    vm = start();
    SnapshotRecord next = bench.backup(live());
    assertThat(next.disk("vda").orElseThrow().fullReason())
        .hasValue("the bitmap of its last snapshot is missing");
    bench.assertRestores(next, "vda", model.copy());
    model.write(vm, "vda", 9 << 20, 4096, 5);
    SnapshotRecord afterThat = bench.backup(live());
    assertThat(afterThat.disk("vda").orElseThrow().incremental()).isTrue();
    bench.assertRestores(afterThat, "vda", model.copy());
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
  }

  private void kill() {
    try {
      vm.kill();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertNoFilesOfOurs() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.startsWith("nbdv-") || name.endsWith(".scratch.qcow2"));
    }
  }

  @ParameterizedTest
  @ValueSource(classes = {JobEvent.PointInTime.class, JobEvent.Progress.class})
  void cancelledInTheMiddlePutsEverythingBack(Class<?> when) throws Exception {
    Cancellation cancellation = new Cancellation();
    bench.onEvent(
        event -> {
          if (when.isInstance(event)) {
            cancellation.cancel();
          }
        });
    long beganNanos = System.nanoTime();
    assertThatThrownBy(() -> bench.backup(Variations.rateLimited(live(), SLOWLY), cancellation))
        .hasMessage("interrupted")
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(Duration.ofNanos(System.nanoTime() - beganNanos)).isLessThan(Duration.ofSeconds(10));
    assertNothingCommittedAndNextIsRight();
  }

  /** Runs a backup in a store that the test has a hand in. */
  private void backUp(
      Cancellation cancellation,
      InterceptedStore.Step afterDisk,
      InterceptedStore.Step beforeCommit)
      throws Exception {
    try (ChunkStore store = Repositories.open(bench.repository())) {
      var unused =
          new BackupJob(
                  new InterceptedStore(store, afterDisk, beforeCommit),
                  EngineLimits.defaults().withScratchFreeBytesMin(1 << 20),
                  cancellation,
                  event -> {})
              .run(live());
    }
  }

  @Test
  void cancelledRightBeforeTheCommitCommitsNothing() throws Exception {
    Cancellation cancellation = new Cancellation();
    AtomicBoolean committing = new AtomicBoolean();
    assertThatThrownBy(() -> backUp(cancellation, cancellation::cancel, () -> committing.set(true)))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(committing).isFalse();
    assertNothingCommittedAndNextIsRight();
  }

  @Test
  void commitThatFailsKeepsTheOldCheckpoint() throws Exception {
    assertThatThrownBy(
            () ->
                backUp(
                    new Cancellation(),
                    () -> {},
                    () -> {
                      throw new StoreFailedException("the repository's disk broke", null);
                    }))
        .isInstanceOf(StoreFailedException.class)
        .hasMessage("the repository's disk broke");
    assertNothingCommittedAndNextIsRight();
  }

  @Test
  void jobThatEndsInTheMiddleNeverLetsASnapshotBeCommitted() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    bench.onEvent(
        event -> {
          if (event instanceof JobEvent.Progress && done.compareAndSet(false, true)) {
            cancelOurJob();
          }
        });
    assertThatThrownBy(() -> bench.backup(Variations.rateLimited(live(), SLOWLY)))
        .isInstanceOf(JobException.class)
        .hasMessageMatching("the point in time was lost: job nbdv-.*-job0 reported BLOCK_JOB_.*");
    assertThat(done).isTrue();
    assertNothingCommittedAndNextIsRight();
  }

  @Test
  void jobThatEndsAfterTheLastReadNeverLetsASnapshotBeCommitted() throws Exception {
    AtomicBoolean committing = new AtomicBoolean();
    assertThatThrownBy(
            () -> backUp(new Cancellation(), this::cancelOurJob, () -> committing.set(true)))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("the point in time");
    assertThat(committing).isFalse();
    assertNothingCommittedAndNextIsRight();
  }

  /** As an administrator might, on another monitor. */
  private void cancelOurJob() {
    try {
      BlockCommands qemu = new BlockCommands(vm.testMonitor());
      List<String> ours = qemu.queryJobs().stream().map(JobInfo::id).toList();
      assertThat(ours).singleElement().matches(RunNames::isOurs);
      qemu.jobCancel(ours.get(0));
      long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (!qemu.queryJobs().isEmpty()) {
        assertThat(System.nanoTime()).as("the job goes").isLessThan(deadline);
      }
    } catch (QmpException e) {
      throw new UncheckedIOException(e);
    }
  }
}
