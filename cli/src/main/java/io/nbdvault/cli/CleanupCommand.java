package io.nbdvault.cli;

import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.cleanup.CleanupJob;
import io.nbdvault.engine.cleanup.CleanupRequest;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Removes what a killed run left in a QEMU. */
@Command(
    name = "cleanup",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Removes what a killed run left in a QEMU.",
    description = {
      "%nThat is jobs, exports, block nodes and scratch files of nbdvault; nothing else is"
          + " touched. A guest that was left paused or frozen goes on. The next backup does the"
          + " same at its start. Needs no repository."
    },
    footer = {
      "%nExamples:",
      "  nbdvault cleanup --qmp /run/web1.qmp",
      "  nbdvault cleanup --qmp /run/web1.qmp --all"
    })
final class CleanupCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Option(
      names = "--qmp",
      required = true,
      paramLabel = "SOCKET",
      description = "QMP socket of the running QEMU.")
  private Path qmpSocket = Path.of("");

  @Option(
      names = "--all",
      description =
          "Remove the checkpoints too, of all repositories: the next backup reads in full.")
  private boolean all;

  @Option(
      names = "--guest-agent",
      paramLabel = "SOCKET",
      description =
          "Socket of the QEMU guest agent, to thaw a guest that was left frozen. Default: none.")
  private @Nullable Path guestAgent;

  CleanupCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws JobException, InterruptedException {
    try (JobDisplay display = root.display()) {
      new CleanupJob(EngineLimits.defaults(), display).run(request());
      display.cleanedUp(qmpSocket);
    }
    return ExitCode.OK;
  }

  CleanupRequest request() {
    return new CleanupRequest(qmpSocket, all, Optional.ofNullable(guestAgent));
  }
}
