package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreJob;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Restores disks of a snapshot. */
@Command(
    name = "restore",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    header = "Restores the disks of a snapshot, also while a backup runs.",
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup restore web1@latest --to /vm/restored/",
      "  nbdvault -r /backup restore 1a2b3c4d --disk vda --to /vm/web1.qcow2"
    })
final class RestoreCommand implements Callable<Integer> {
  static final String SNAPSHOT_DESCRIPTION =
      "Its id, or 4 or more hex digits that begin it; or VM@latest; or VM@TIME, the latest at or"
          + " before a time such as 2026-01-31 or 2026-01-31T03:00:00Z.";

  private final NbdvaultCommand root;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Parameters(paramLabel = "SNAPSHOT", description = SNAPSHOT_DESCRIPTION)
  private String snapshot = "";

  @Option(
      names = "--disk",
      paramLabel = "NAME",
      description = "Restore only this disk. Repeatable. Default: all disks.")
  private List<String> disks = new ArrayList<>();

  @Option(
      names = "--to",
      required = true,
      paramLabel = "TARGET",
      description =
          "A new file for one disk; a directory for NAME.raw or NAME.qcow2 of each; a block"
              + " device; or an NBD URI.")
  private String to = "";

  @Option(
      names = "--format",
      paramLabel = "raw|qcow2",
      converter = ImageFormatConverter.class,
      description = "Format of new images. Default: qcow2 if the file's name ends so, else raw.")
  private @Nullable ImageFormat format;

  @Option(
      names = "--force",
      description = "Replace a file that exists, overwrite a device that is not empty.")
  private boolean force;

  RestoreCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    long startNanos = System.nanoTime();
    try (ChunkStore store = new RepositoryAccess(root, spec).forReading();
        JobDisplay display = root.display()) {
      SnapshotRecord restored =
          new RestoreJob(
                  store, EngineLimits.defaults(), root.surroundings().cancellation(), display)
              .run(request());
      display.restored(restored, Duration.ofNanos(System.nanoTime() - startNanos));
    }
    return ExitCode.OK;
  }

  RestoreRequest request() {
    return new RestoreRequest(snapshot, disks, to, Optional.ofNullable(format), force);
  }
}
