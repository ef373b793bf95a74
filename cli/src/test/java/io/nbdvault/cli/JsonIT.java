package io.nbdvault.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a script reads on stdout of the real program. */
class JsonIT {
  @TempDir Path directory;

  @Test
  void versionIsOneLineOnStdout() throws Exception {
    NbdvaultProcess.Result version = NbdvaultProcess.run(directory, "--version");
    assertThat(version.exitCode()).isZero();
    assertThat(version.stdout()).singleElement().asString().matches("nbdvault \\d.*, Java \\d+.*");
    assertThat(version.stderr()).isEmpty();
  }

  @Test
  void everyLineOfABackupAndARestoreIsAnEventAndTheyComeInOrder() throws Exception {
    try (RecordedVm vm = new RecordedVm(directory, new Random(5))) {
      NbdvaultProcess.Result backup = vm.backUpWithProgram();

      assertAllAreEvents(backup);
      assertThat(names(backup))
          .containsExactly(
              "started", "point-in-time", "disk-started", "disk-started", "committed", "summary");
      SnapshotRecord snapshot = vm.snapshots().get(0);
      assertThat(NbdvaultProcess.event(backup, "started").path("job").asText()).isEqualTo("backup");
      assertThat(RecordedVm.disksStarted(backup))
          .extracting(disk -> disk.path("disk").asText())
          .containsExactly("vda", "vdb");
      JsonNode committed = NbdvaultProcess.event(backup, "committed");
      assertThat(committed.path("snapshot").asText()).isEqualTo(snapshot.id().hex());
      assertThat(committed.path("time").asText()).isEqualTo(snapshot.time().toString());
      assertProgressOnlyGrows(backup);

      Path target = directory.resolve("restored");
      NbdvaultProcess.Result restore =
          NbdvaultProcess.run(
              directory,
              "-r",
              vm.vm().bench().repository().toString(),
              "--json",
              "restore",
              "vm@latest",
              "--to",
              target.toString());

      assertAllAreEvents(restore);
      assertThat(names(restore)).containsExactly("started", "restored", "restored", "summary");
      assertProgressOnlyGrows(restore);
      for (String disk : RecordedVm.DISKS) {
        vm.assertSame(target.resolve(disk + ".raw"), snapshot, disk);
      }
    }
  }

  private static void assertAllAreEvents(NbdvaultProcess.Result result) {
    assertThat(result.exitCode()).isZero();
    assertThat(result.stderr()).isEmpty();
    assertThat(result.events())
        .isNotEmpty()
        .allSatisfy(
            event -> {
              assertThat(event.path("v").asInt()).isEqualTo(1);
              assertThat(event.path("event").asText()).isNotEmpty();
            });
  }

  /** The events' names without progress, of which there may be any number. */
  private static List<String> names(NbdvaultProcess.Result result) {
    return result.events().stream()
        .map(event -> event.path("event").asText())
        .filter(name -> !name.equals("progress"))
        .toList();
  }

  private static void assertProgressOnlyGrows(NbdvaultProcess.Result result) {
    List<Long> done =
        result.events().stream()
            .filter(event -> event.path("event").asText().equals("progress"))
            .map(event -> event.path("doneBytes").asLong())
            .toList();
    assertThat(done).isNotEmpty().isSorted();
  }
}
