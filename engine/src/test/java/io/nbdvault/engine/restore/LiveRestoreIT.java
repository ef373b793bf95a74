package io.nbdvault.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.testkit.BackupBench;
import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.LoopMount;
import io.nbdvault.engine.testkit.ServedVm;
import io.nbdvault.engine.testkit.SocketProxy;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.testkit.QemuImg;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One disk of a VM without a guest moves from an NBD server to a file, and whatever ends that in
 * the middle leaves the disk usable with all that was written to it.
 */
class LiveRestoreIT {
  private static final int MIB = 1 << 20;

  /** Slow enough that the middle of a move lasts as long as any test. */
  private static final long SLOWLY = MIB;

  @TempDir Path directory;

  private ServedVm served;

  @SuppressWarnings("NullAway.Init") // Each test starts it.
  private QemuVm vm;

  @SuppressWarnings("NullAway.Init") // Likewise.
  private SnapshotRecord snapshot;

  private DiskModel model;
  private Path target;
  private final List<JobEvent> events = new CopyOnWriteArrayList<>();

  @BeforeEach
  void serve() throws Exception {
    served = new ServedVm(directory);
    target = directory.toRealPath().resolve("vda.raw");
    model = new DiskModel(ServedVm.SIZE);
    model.note(0, ServedVm.content("vda"));
  }

  private void start(ServedVm.Kind kind) throws Exception {
    served.disk("vda", kind);
    snapshot = served.backUpOriginals();
    vm = served.addTo(QemuVm.builder(directory)).start();
    write(1);
  }

  @AfterEach
  void stop() throws Exception {
    if (vm != null) {
      vm.close();
    }
    served.close();
  }

  /** A cluster and a bit, over zeroes, over noise, and within a cluster that is the server's. */
  private void write(int pattern) throws IOException {
    model.write(vm, "vda", pattern * MIB, 65536 + 512, pattern);
    model.write(vm, "vda", 33 * MIB + pattern * 65536, 4096, pattern + 1);
    model.write(vm, "vda", ServedVm.PATTERN_OFFSET + pattern * 65536 + 512, 1024, pattern + 2);
  }

  private void restore(RestoreRequest request, Path socket, Cancellation cancel, JobListener more)
      throws Exception {
    try (ChunkStore store = Repositories.openReadOnly(served.bench().repository())) {
      SnapshotRecord meant =
          new LiveRestoreJob(
                  store,
                  EngineLimits.defaults(),
                  cancel,
                  event -> {
                    events.add(event);
                    more.onEvent(event);
                  })
              .run(request, socket);
      assertThat(meant).isEqualTo(snapshot);
    }
  }

  private void restore(boolean force, JobListener more) throws Exception {
    restore(request(force), vm.toolSocket(), new Cancellation(), more);
  }

  private RestoreRequest request(boolean force) {
    return new RestoreRequest(
        snapshot.id().hex(), List.of("vda"), target.toString(), Optional.empty(), force);
  }

  /** Called once, in the middle of a move that has been made slow. */
  private JobListener inTheMiddle(Runnable action) {
    boolean[] done = new boolean[1];
    return event -> {
      if (event instanceof JobEvent.DiskStarted) {
        slowDown();
      } else if (event instanceof JobEvent.PhaseProgress && !done[0]) {
        done[0] = true;
        action.run();
      }
    };
  }

  private void slowDown() {
    try {
      ServedVm.slowDown(vm, SLOWLY);
    } catch (QmpException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeUnchecked(int pattern) {
    try {
      write(pattern);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertHoldsTheModel(Path image, String format) throws Exception {
    Path raw = image;
    if (!format.equals("raw")) {
      QemuImg.check(image);
      raw = directory.resolve("as-raw.raw");
      QemuImg.convert(image, format, raw, "raw");
    }
    assertThat(DiskModel.firstDifference(raw, model.copy())).as("first difference").isEqualTo(-1);
  }

  @ParameterizedTest
  @CsvSource({"OVERLAY,raw", "OVERLAY,qcow2", "NAMED_OVERLAY,raw", "DIRECT,raw", "DIRECT,qcow2"})
  void theDiskIsLocalAndHoldsWhatWasServedAndAllThatWasWritten(ServedVm.Kind kind, String format)
      throws Exception {
    start(kind);
    RestoreRequest request =
        new RestoreRequest(
            "vm@latest",
            List.of(),
            target.toString(),
            Optional.of(format.equals("raw") ? ImageFormat.RAW : ImageFormat.QCOW2),
            false);
    restore(
        request,
        vm.toolSocket(),
        new Cancellation(),
        event -> {
          if (event instanceof JobEvent.DiskStarted) {
            writeUnchecked(2);
          }
        });
    served.killServers();
    served.assertLocal(vm, "vda", target);
    assertThat(Files.getPosixFilePermissions(target)).hasSize(2);
    write(3);
    vm.guestFlush("vda");
    vm.quit();
    assertHoldsTheModel(target, format);
    assertThat(events)
        .contains(new JobEvent.Restored("vda", target.toString(), ServedVm.SIZE, 32L * MIB));
  }

  @Test
  void whatIsZeroTakesNoRoom() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    restore(false, event -> {});
    long allocated = QemuImg.info(target).path("actual-size").asLong();
    assertThat(allocated).isBetween(32L * MIB, 34L * MIB);
  }

  @Test
  void theNextBackupReadsInFullAndTheOneAfterThatIsIncrementalAndBothAreRight() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    SnapshotRecord before = backUp();
    assertThat(before.disk("vda").orElseThrow().checkpoint()).isPresent();
    write(4);
    RestoreRequest request =
        new RestoreRequest(
            snapshot.id().hex(),
            List.of(),
            target.toString(),
            Optional.of(ImageFormat.QCOW2),
            false);
    restore(request, vm.toolSocket(), new Cancellation(), event -> {});
    served.killServers();
    write(5);
    SnapshotRecord after = backUp();
    assertThat(after.disk("vda").orElseThrow().incremental()).isFalse();
    assertThat(after.disk("vda").orElseThrow().fullReason().orElseThrow())
        .startsWith("its images changed from ");
    model.write(vm, "vda", 40 * MIB, 65536, 9);
    SnapshotRecord last = backUp();
    assertThat(last.disk("vda").orElseThrow().statistics().readBytes()).isEqualTo(65536);
  }

  private SnapshotRecord backUp() throws Exception {
    SnapshotRecord made = served.bench().backup(BackupBench.live("vm", vm.toolSocket()));
    served.bench().assertRestores(made, "vda", model.copy());
    return made;
  }

  @Test
  void aDiskThatIsLocalIsToldSoAndNothingIsDone() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    restore(false, event -> {});
    events.clear();
    Path other = directory.resolve("other.raw");
    restore(
        new RestoreRequest(
            snapshot.id().hex(), List.of(), other.toString(), Optional.empty(), false),
        vm.toolSocket(),
        new Cancellation(),
        event -> {});
    assertThat(other).doesNotExist();
    assertThat(events)
        .contains(
            new JobEvent.DiskSkipped(
                "vda", "already local: it reads from no NBD server but from " + target));
  }

  @Test
  void aTargetThatExistsIsReplacedOnlyByForce() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    Files.writeString(target, "mine");
    assertThatThrownBy(() -> restore(false, event -> {}))
        .hasMessage(target + " exists; --force replaces it");
    assertThat(target).hasContent("mine");
    restore(true, event -> {});
    served.assertLocal(vm, "vda", target);
    vm.quit();
    assertHoldsTheModel(target, "raw");
  }

  @Test
  void whatTheVmItselfUsesIsNeverReplaced() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    target = served.overlay("vda");
    assertThatThrownBy(() -> restore(true, event -> {}))
        .hasMessage(target.toRealPath() + " is in use: is its VM running?");
    vm.guestRead("vda", ServedVm.PATTERN_OFFSET, 512, ServedVm.PATTERN);
  }

  @Test
  void tooLittleRoomIsSaidBeforeAnythingIsCopied() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    Path old = target;
    try (LoopMount small = LoopMount.create(directory, "small", 16L * MIB)) {
      target = small.path().resolve("vda.raw");
      assertThatThrownBy(() -> restore(false, event -> {}))
          .hasMessageMatching(".*small has 1\\d MiB free, and the snapshot's disks hold 32 MiB");
      served.assertUnmoved(vm, target);
    }
    target = old;
  }

  @Test
  void spaceThatRunsOutLeavesTheDiskWhereItWas() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    // More than the snapshot holds, so that it is not noticed beforehand.
    try (LoopMount small = LoopMount.create(directory, "small", 40L * MIB)) {
      target = small.path().resolve("vda.raw");
      for (int mib = 2; mib < 30; mib++) {
        model.write(vm, "vda", mib * MIB, MIB, mib);
      }
      assertThatThrownBy(() -> restore(false, event -> {}))
          .hasMessage(
              "disk 'vda' was not moved: writing "
                  + target
                  + ": No space left on device; the VM goes on with it as it was");
      served.assertUnmoved(vm, target);
    }
    assertTheGuestGoesOn();
  }

  private void assertTheGuestGoesOn() throws Exception {
    write(7);
    vm.guestRead("vda", 7 * MIB, 4096, 7);
    vm.guestRead("vda", ServedVm.SIZE - 4096, 4096, ServedVm.PATTERN);
    target = directory.toRealPath().resolve("again.raw");
    restore(false, event -> {});
    served.killServers();
    vm.quit();
    assertHoldsTheModel(target, "raw");
  }

  @Test
  void aServerThatDiesInTheMiddleLeavesTheDiskWhereItWas() throws Exception {
    start(ServedVm.Kind.NAMED_OVERLAY);
    assertThatThrownBy(() -> restore(false, inTheMiddle(this::killServerUnchecked)))
        .hasMessageMatching(
            "disk 'vda' was not moved: (reading|copying it) from its NBD server.*: Input/output"
                + " error; the VM goes on with it as it was");
    served.assertUnmoved(vm, target);
    // What is in the overlay needs no server, and with a server all of it is there again.
    vm.guestRead("vda", MIB, 65536, 1);
    served.serve("vda");
    awaitServer();
    assertTheGuestGoesOn();
  }

  /** QEMU tries again by itself, after 1, 2, 4, 8 and then every 16 seconds. */
  private void awaitServer() throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
    while (true) {
      try {
        vm.guestRead("vda", ServedVm.SIZE - 4096, 4096, ServedVm.PATTERN);
        return;
      } catch (IOException notYet) {
        if (System.nanoTime() - deadline > 0) {
          throw notYet;
        }
        Thread.sleep(500);
      }
    }
  }

  private void killServerUnchecked() {
    try {
      served.killServer("vda");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void cancelledInTheMiddleTheDiskIsWhereItWas() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    Cancellation cancellation = new Cancellation();
    assertThatThrownBy(
            () ->
                restore(
                    request(false),
                    vm.toolSocket(),
                    cancellation,
                    inTheMiddle(
                        () -> {
                          writeUnchecked(5);
                          cancellation.cancel();
                        })))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    served.assertUnmoved(vm, target);
    assertTheGuestGoesOn();
  }

  @Test
  void qemuKilledInTheMiddleLeavesTheOverlayWithAllThatWasWritten() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    vm.guestFlush("vda");
    assertThatThrownBy(
            () ->
                restore(
                    false,
                    inTheMiddle(
                        () -> {
                          try {
                            vm.kill();
                          } catch (IOException e) {
                            throw new UncheckedIOException(e);
                          }
                        })))
        .isInstanceOf(JobException.class)
        .hasMessage("QEMU ended, or closed its QMP session");
    assertThat(target).doesNotExist();
    vm.close();
    vm = served.addTo(QemuVm.builder(directory)).start();
    assertTheGuestGoesOn();
  }

  @Test
  void aSessionThatIsLostInTheMiddleLeavesTheDiskWhereItWas() throws Exception {
    start(ServedVm.Kind.OVERLAY);
    Path socket = directory.resolve("proxy.qmp");
    try (SocketProxy proxy = SocketProxy.start(socket, vm.toolSocket())) {
      assertThatThrownBy(
              () -> restore(request(false), socket, new Cancellation(), inTheMiddle(proxy::cut)))
          .isInstanceOf(JobException.class);
      served.assertUnmoved(vm, target);
    }
    assertTheGuestGoesOn();
  }
}
