package io.nbdvault.engine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that move disks, and their order, with a QEMU that fails as it is told to. */
class LiveRestoreTest {
  private static final long SIZE = 1 << 20;
  private static final String REPOSITORY = "0123456789abcdef".repeat(2);

  @TempDir Path directory;

  private final List<JobEvent> events = new CopyOnWriteArrayList<>();
  private final Cancellation cancellation = new Cancellation();
  private final FakeQemu qemu = new FakeQemu("7.2").servedDisk("vda").servedDisk("vdb");

  private void move(FakeQemu from, String... disks) throws Exception {
    try (ScriptedServer server = ScriptedServer.start(directory.resolve("qmp"), from);
        LiveRestore live = open(server)) {
      live.move(Stream.of(disks).map(this::target).toList());
    }
  }

  private LiveRestore open(ScriptedServer server) throws JobException, InterruptedException {
    return LiveRestore.open(
        server.path(), REPOSITORY, EngineLimits.defaults(), cancellation, events::add);
  }

  private LiveRestore.Target target(String disk) {
    return new LiveRestore.Target(disk, 4096, file(disk), "raw");
  }

  private Path file(String disk) {
    return directory.toAbsolutePath().resolve(disk + ".raw");
  }

  private List<String> filesLeft() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("vd"))
          .sorted()
          .toList();
    }
  }

  private List<String> commands() {
    return qemu.log().stream().map(line -> line.split(" ", -1)[0]).toList();
  }

  @Test
  void allDisksAreReadyBeforeTheFirstIsSwitchedAndNothingOldIsLeft() throws Exception {
    move(qemu, "vda", "vdb");

    assertThat(commands())
        .startsWith(
            "blockdev-add",
            "blockdev-mirror",
            "blockdev-add",
            "blockdev-mirror",
            "job-complete",
            "job-complete",
            "job-dismiss")
        .doesNotContain("job-cancel");
    assertThat(qemu.jobs()).isEmpty();
    assertThat(qemu.nodes())
        .as("the new nodes only")
        .hasSize(4)
        .allMatch(
            node ->
                RunNames.hasRole(node, RunNames.Role.DISK)
                    || RunNames.hasRole(node, RunNames.Role.DISK_FILE));
    assertThat(qemu.nodeOf("vda")).matches(node -> RunNames.hasRole(node, RunNames.Role.DISK));
    assertThat(filesLeft()).containsExactly("vda.raw", "vdb.raw");
    assertThat(events)
        .filteredOn(JobEvent.Restored.class::isInstance)
        .containsExactly(
            new JobEvent.Restored("vda", file("vda").toString(), SIZE, 4096),
            new JobEvent.Restored("vdb", file("vdb").toString(), SIZE, 4096));
    assertThat(warnings())
        .allMatch(text -> text.matches("from now on disk 'vd[ab]' is .*, and not with /vm/vd.*"));
  }

  private List<String> warnings() {
    return events.stream()
        .filter(JobEvent.Warning.class::isInstance)
        .map(event -> ((JobEvent.Warning) event).message())
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "read, Input/output error, reading from its NBD server: Input/output error",
    "write, No space left on device, writing .*vdb.raw: No space left on device"
  })
  void aCopyThatFailsLeavesEveryDiskWhereItWas(String operation, String error, String said)
      throws Exception {
    qemu.failsToCopy("vdb", operation, error);
    assertThatThrownBy(() -> move(qemu, "vda", "vdb"))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.FAILED))
        .hasMessageMatching(
            "disk 'vdb' was not moved: " + said + "; the VM goes on with it as it was");
    assertNothingHappened();
    assertThat(commands()).doesNotContain("job-complete");
  }

  private void assertNothingHappened() throws IOException {
    assertThat(qemu.nodeOf("vda")).isEqualTo("vda-top");
    assertThat(qemu.nodeOf("vdb")).isEqualTo("vdb-top");
    assertThat(qemu.jobs()).isEmpty();
    assertThat(qemu.nodes())
        .containsExactly("vda-top", "vda-file", "vda-nbd", "vdb-top", "vdb-file", "vdb-nbd");
    assertThat(filesLeft()).isEmpty();
  }

  @Test
  void cancelledItTakesEverythingBack() throws Exception {
    assertThatThrownBy(
            () -> {
              cancelAt(JobEvent.PhaseProgress.class);
              move(qemu, "vda", "vdb");
            })
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertNothingHappened();
  }

  private void cancelAt(Class<?> moment) {
    Thread canceller =
        new Thread(
            () -> {
              while (events.stream().noneMatch(moment::isInstance)) {
                Thread.onSpinWait();
              }
              cancellation.cancel();
            });
    canceller.setDaemon(true);
    canceller.start();
  }

  @Test
  void aSwitchThatFailsIsThatDisksAlone() throws Exception {
    qemu.failsToComplete("vdb", "No space left on device");
    assertThatThrownBy(() -> move(qemu, "vda", "vdb"))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.PARTIAL))
        .hasMessage(
            "disk 'vdb' was not moved: No space left on device; the VM goes on with it as it was");
    assertThat(qemu.nodeOf("vda")).matches(node -> RunNames.hasRole(node, RunNames.Role.DISK));
    assertThat(qemu.nodeOf("vdb")).isEqualTo("vdb-top");
    assertThat(filesLeft()).containsExactly("vda.raw");
    assertThat(qemu.jobs()).isEmpty();
  }

  @Test
  void disksAreChosenByNameSizeAndWhetherTheyNeedAServer() throws Exception {
    Path local = Files.createFile(directory.resolve("local.raw"));
    qemu.node("vdc-node", "vdc-file", local).attach("vdc", "vdc-node");
    try (ScriptedServer server = ScriptedServer.start(directory.resolve("qmp"), qemu);
        LiveRestore live = open(server)) {
      assertThat(live.choose(Map.of("vdb", SIZE, "vdc", SIZE))).containsExactly("vdb");
      assertThat(events)
          .contains(
              new JobEvent.DiskSkipped(
                  "vdc", "already local: it reads from no NBD server but from " + local));
      assertThat(warnings())
          .containsExactly("disk 'vda' is not asked for and goes on needing an NBD server");
      assertThatThrownBy(() -> live.choose(Map.of("vda", SIZE + 512)))
          .hasMessage(
              "disk 'vda' has 1048576 bytes in the VM and 1049088 in the snapshot: does the VM run"
                  + " on another one?");
      assertThatThrownBy(() -> live.choose(Map.of("sda", SIZE)))
          .isInstanceOfSatisfying(
              JobException.class,
              e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST))
          .hasMessage("the VM has no disk 'sda' (it has: vda, vdb, vdc): choose with --disk");
    }
    assertThat(qemu.log()).as("choosing changes nothing").isEmpty();
  }

  @Test
  void aQemuThatCannotIsRefused() throws Exception {
    try (ScriptedServer server =
        ScriptedServer.start(directory.resolve("qmp"), new FakeQemu("2.12").servedDisk("vda"))) {
      assertThatThrownBy(() -> open(server).close())
          .hasMessage(
              "QEMU 2.12.0 cannot move a disk to a file while the guest writes: version 5.2 or"
                  + " newer is needed");
    }
  }

  @Test
  void whatAKilledRunWasCopyingGoesAndTheNextRunBegins() throws Exception {
    leave("vda", false);
    move(qemu, "vda", "vdb");
    assertThat(qemu.log().subList(0, 3))
        .containsExactly(
            "job-cancel " + name(RunNames.Role.MIRROR),
            "job-dismiss " + name(RunNames.Role.MIRROR),
            "blockdev-del " + name(RunNames.Role.DISK));
    assertThat(filesLeft()).containsExactly("vda.raw", "vdb.raw");
  }

  /** What is in a QEMU and beside it when a run was killed while copying or switching. */
  private void leave(String disk, boolean switching) throws Exception {
    Path file = directory.toAbsolutePath().resolve(disk + "-killed.raw");
    Files.createFile(file);
    long inode = (Long) Files.getAttribute(file, "unix:ino");
    String suffix = switching ? ".nbdvault-switching" : ".nbdvault-copying";
    Files.writeString(
        directory.resolve(disk + "-killed.raw" + suffix),
        "inode "
            + inode
            + "\n"
            + String.join("", List.of("node vda-top\n", "node vda-file\n", "node vda-nbd\n")));
    qemu.node(name(RunNames.Role.DISK), name(RunNames.Role.DISK_FILE), file);
    if (!switching) {
      qemu.job(name(RunNames.Role.MIRROR), disk + "-top", name(RunNames.Role.DISK));
    }
  }

  private static String name(RunNames.Role role) {
    return RunNames.beside("nbdv-ffffffff-ffffffff-x0", role);
  }

  private void cleanUp() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(directory.resolve("qmp"), qemu);
        LiveRestore live = open(server)) {
      assertThat(live).isNotNull();
    }
  }

  @Test
  void aDiskThatHadBeenSwitchedIsKeptAndItsOldNodesGo() throws Exception {
    leave("vda", true);
    qemu.attach("vda", name(RunNames.Role.DISK));
    cleanUp();
    assertThat(filesLeft()).containsExactly("vda-killed.raw");
    assertThat(qemu.nodes())
        .containsExactly(
            "vdb-top",
            "vdb-file",
            "vdb-nbd",
            name(RunNames.Role.DISK),
            name(RunNames.Role.DISK_FILE));
    assertThat(warnings())
        .singleElement()
        .matches(text -> text.startsWith("a disk had been moved to "));
  }

  @Test
  void aFileThatMayHoldTheLastWritesIsNeverRemoved() throws Exception {
    leave("vda", true);
    cleanUp();
    assertThat(filesLeft()).containsExactly("vda-killed.raw", "vda-killed.raw.nbdvault-switching");
    assertThat(warnings()).singleElement().matches(text -> text.contains("was not removed"));
    assertThat(MirrorTarget.isUndecided(directory.resolve("vda-killed.raw"))).isTrue();
    assertThat(MirrorTarget.isIncomplete(directory.resolve("vda-killed.raw"))).isFalse();
  }

  @Test
  void aFileThatQemuWasNotYetToldToUseGoes() throws Exception {
    leave("vda", true);
    qemu.job(name(RunNames.Role.MIRROR), "vda-top", name(RunNames.Role.DISK));
    cleanUp();
    assertThat(filesLeft()).isEmpty();
    assertThat(qemu.nodes()).doesNotContain(name(RunNames.Role.DISK));
  }

  @Test
  void aDiskThatWasMovedLongAgoIsNotTouchedEvenWhenNothingUsesIt() throws Exception {
    leave("vda", true);
    Files.delete(directory.resolve("vda-killed.raw.nbdvault-switching"));
    cleanUp();
    assertThat(filesLeft()).containsExactly("vda-killed.raw");
    assertThat(qemu.nodes()).contains(name(RunNames.Role.DISK), name(RunNames.Role.DISK_FILE));
  }

  @Test
  void aMarkSaysNothingAboutAnotherFileOfThatName() throws Exception {
    leave("vda", false);
    Path file = directory.resolve("vda-killed.raw");
    Path other = Files.createFile(directory.resolve("other"));
    Files.move(other, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    cleanUp();
    assertThat(file).exists();
    assertThat(MirrorTarget.isIncomplete(file)).isFalse();
  }

  @Test
  void oneRunAtATimeHasTheVm() throws Exception {
    try (ScriptedServer server = ScriptedServer.start(directory.resolve("qmp"), qemu);
        LiveRestore live = open(server)) {
      assertThat(live.choose(Map.of("vda", SIZE))).containsExactly("vda");
      assertThatThrownBy(() -> open(server).close())
          .isInstanceOfSatisfying(
              JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.VM_BUSY));
    }
  }
}
