package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.serve.CommitOverlayJob;
import io.nbdvault.engine.serve.overlay.OverlayDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a snapshot of what was written to a served one. */
@Command(
    name = "commit",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Makes a new snapshot of a snapshot and what was written to its disks.",
    description = {
      "%nNo client may be connected to them. The overlays are thrown away once the new snapshot"
          + " is durable."
    },
    footer = {"%nExamples:", "  nbdvault -r /backup overlay commit 1a2b3c4d /overlays"})
final class OverlayCommitCommand implements Callable<Integer> {
  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "SNAPSHOT",
      description = "That was served. " + RestoreCommand.SNAPSHOT_DESCRIPTION)
  private String snapshot = "";

  @Parameters(index = "1", paramLabel = "DIR", description = "Of serve --writable.")
  private Path directory = Path.of("");

  @Option(names = "--keep", description = "Keep the overlays.")
  private boolean keep;

  OverlayCommitCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    try (ChunkStore store = new RepositoryAccess(root, spec).forWriting();
        JobDisplay display = root.display()) {
      SnapshotRecord unused =
          new CommitOverlayJob(
                  store, EngineLimits.defaults(), root.surroundings().cancellation(), display)
              .run(new OverlayDirectory(directory), snapshot, keep, new TreeMap<>());
    }
    return ExitCode.OK;
  }
}
