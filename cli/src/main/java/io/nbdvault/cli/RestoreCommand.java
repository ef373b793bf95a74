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
    description = {
      "%nEvery byte is verified. If some cannot be read nothing is restored, unless --salvage says so."
    },
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

  @Option(
      names = "--salvage",
      description =
          "Restore also what is damaged: zeroes are written where the repository cannot be read,"
              + " and each such range is listed. Ends with code 3 then.")
  private boolean salvage;

  RestoreCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    long startNanos = System.nanoTime();
    RepositoryAccess access = new RepositoryAccess(root, spec);
    long lostBytes;
    try (ChunkStore store = salvage ? access.forLooking() : access.forReading();
        JobDisplay display = root.display()) {
      RestoreJob job =
          new RestoreJob(
              store, EngineLimits.defaults(), root.surroundings().cancellation(), display);
      SnapshotRecord restored = job.run(request());
      lostBytes = job.lostBytes();
      display.restored(restored, Duration.ofNanos(System.nanoTime() - startNanos));
    }
    if (lostBytes > 0) {
      throw new JobException(
          JobException.Kind.PARTIAL,
          lostBytes
              + " bytes could not be read and are zeroes in what was restored; nbdvault verify shows"
              + " all of the damage");
    }
    return ExitCode.OK;
  }

  RestoreRequest request() {
    return new RestoreRequest(snapshot, disks, to, Optional.ofNullable(format), force, salvage);
  }
}
