package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.engine.testkit.DiskModel;
import io.nbdvault.engine.testkit.QemuState;
import io.nbdvault.engine.testkit.ServedVm;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.block.BlockCommands;
import io.nbdvault.qmp.testkit.QemuVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code restore --live} killed at each of its steps, or interrupted. The guest goes on with all it
 * has written, and a cleanup, or simply the same command again, ends with a disk that is whole.
 */
class KilledLiveRestoreIT {
  private static final Duration RUN_MAX = Duration.ofSeconds(60);
  private static final int MIB = 1 << 20;

  @TempDir Path directory;

  private ServedVm served;
  private QemuVm vm;
  private DiskModel model;
  private Path target;

  @BeforeEach
  void startTheLostVm() throws Exception {
    served = new ServedVm(directory).disk("vda", ServedVm.Kind.NAMED_OVERLAY);
    var unused = served.backUpOriginals();
    vm = served.addTo(QemuVm.builder(directory)).start();
    model = new DiskModel(ServedVm.SIZE);
    model.note(0, ServedVm.content("vda"));
    target = Files.createDirectory(directory.resolve("to")).toRealPath().resolve("vda.raw");
    model.write(vm, "vda", MIB, 65536, 1);
  }

  @AfterEach
  void stop() throws Exception {
    vm.close();
    served.close();
  }

  private List<String> restore(Path socket) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "-r", served.bench().repository().toString(), "--json", "restore", "vm@latest"));
    arguments.addAll(List.of("--live", "--qmp", socket.toString(), "--to", target.toString()));
    return arguments;
  }

  private NbdvaultProcess.Result run(List<String> arguments) throws Exception {
    return NbdvaultProcess.run(directory, arguments.toArray(new String[0]));
  }

  private void killAt(String command, boolean afterwards) throws Exception {
    Path socket = directory.resolve("k.qmp");
    try (KillingProxy proxy = KillingProxy.start(socket, vm.toolSocket(), command, afterwards);
        NbdvaultProcess process =
            NbdvaultProcess.start(directory, (run, line) -> {}, restore(socket))) {
      proxy.victim(process);
      NbdvaultProcess.Result result = process.await(RUN_MAX);
      assertThat(proxy.hasKilled()).as("%s of %s", command, result).isTrue();
      assertThat(result.exitCode()).isEqualTo(NbdvaultProcess.KILLED);
    }
    Files.delete(socket);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> found = Files.list(target.getParent())) {
      return found.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private boolean isMoved() throws QmpException {
    return new BlockCommands(vm.testMonitor())
        .queryBlock().stream()
            .anyMatch(d -> d.inserted() != null && d.inserted().file().equals(target.toString()));
  }

  @ParameterizedTest
  @CsvSource({
    "blockdev-add,false",
    "blockdev-add,true",
    "blockdev-mirror,true",
    "query-block-jobs,true",
    "job-complete,false",
    "job-complete,true",
    "job-dismiss,false",
    "job-dismiss,true",
    "blockdev-del,false",
    "blockdev-del,true"
  })
  void killedAnywhereTheGuestGoesOnAndTheNextRunEndsIt(String command, boolean afterwards)
      throws Exception {
    killAt(command, afterwards);
    model.write(vm, "vda", 2 * MIB, 65536, 2);
    model.write(vm, "vda", ServedVm.PATTERN_OFFSET + 512, 512, 3);

    NbdvaultProcess.Result again = run(restore(vm.toolSocket()));

    assertThat(again.exitCode()).as("%s", again).isZero();
    assertEnded();
  }

  private void assertEnded() throws Exception {
    served.killServers();
    served.assertLocal(vm, "vda", target);
    assertThat(files()).containsExactly("vda.raw");
    model.write(vm, "vda", 3 * MIB, 65536, 4);
    vm.quit();
    assertThat(DiskModel.firstDifference(target, model.copy())).isEqualTo(-1);
  }

  @ParameterizedTest
  @CsvSource({
    "blockdev-add,true",
    "query-block-jobs,true",
    "job-complete,false",
    "job-complete,true",
    "blockdev-del,true"
  })
  void cleanupAfterAKillLeavesTheDiskWhollyOnOneSide(String command, boolean afterwards)
      throws Exception {
    killAt(command, afterwards);
    model.write(vm, "vda", 2 * MIB, 65536, 2);

    NbdvaultProcess.Result cleanup =
        run(List.of("--json", "cleanup", "--qmp", vm.toolSocket().toString()));

    assertThat(cleanup.exitCode()).as("%s", cleanup).isZero();
    if (isMoved()) {
      assertEnded();
      return;
    }
    assertThat(command + afterwards)
        .isNotEqualTo("job-completetrue")
        .isNotEqualTo("blockdev-deltrue");
    new QemuState(vm.testMonitor()).assertNothingOfOurs(directory);
    model.write(vm, "vda", 3 * MIB, 65536, 4);
    assertThat(files()).isEmpty();
    assertThat(run(restore(vm.toolSocket())).exitCode()).isZero();
    assertEnded();
  }

  @Test
  void killedWhileSwitchingAndThenQemuToo() throws Exception {
    killAt("job-complete", true);
    model.write(vm, "vda", 2 * MIB, 65536, 2);
    vm.kill();
    assertThat(files()).contains("vda.raw", "vda.raw.nbdvault-switching");
    assertThat(DiskModel.firstDifference(target, model.copy()))
        .as("the file has it all, and nobody may take it away unasked")
        .isEqualTo(-1);
    vm.close();
    vm = served.addTo(QemuVm.builder(directory)).start();
    NbdvaultProcess.Result again = run(restore(vm.toolSocket()));
    assertThat(again.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(again.toString()).contains("may hold the last writes of a guest");
    assertThat(DiskModel.firstDifference(target, model.copy())).isEqualTo(-1);
  }

  @Test
  void interruptedItTakesEverythingBackAndSaysSo() throws Exception {
    try (NbdvaultProcess process =
        NbdvaultProcess.start(
            directory,
            NbdvaultProcess.at(
                "disk-started",
                run -> {
                  ServedVm.slowDown(vm, MIB);
                  run.signal("INT");
                }),
            restore(vm.toolSocket()))) {
      NbdvaultProcess.Result result = process.await(RUN_MAX);
      assertThat(result.exitCode()).as("%s", result).isEqualTo(ExitCode.INTERRUPTED);
    }
    served.assertUnmoved(vm, target);
    assertThat(run(restore(vm.toolSocket())).exitCode()).isZero();
    assertEnded();
  }

  @Test
  void aSecondRunOnTheSameVmIsTurnedAway() throws Exception {
    try (NbdvaultProcess first =
        NbdvaultProcess.start(
            directory,
            NbdvaultProcess.at("disk-started", run -> ServedVm.slowDown(vm, MIB)),
            restore(vm.toolSocket()))) {
      first.awaitEvent("phase", RUN_MAX);
      NbdvaultProcess.Result second =
          run(
              List.of(
                  "-r",
                  served.bench().repository().toString(),
                  "backup",
                  "vm",
                  "--qmp",
                  vm.toolSocket().toString()));
      assertThat(second.exitCode()).as("%s", second).isEqualTo(ExitCode.VM_BUSY);
      first.signal("INT");
      assertThat(first.await(RUN_MAX).exitCode()).isEqualTo(ExitCode.INTERRUPTED);
    }
  }
}
