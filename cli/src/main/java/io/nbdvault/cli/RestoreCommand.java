package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.JobDisplay;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.LiveRestoreJob;
import io.nbdvault.engine.restore.RestoreJob;
import io.nbdvault.engine.restore.RestoreRequest;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
      "%nEvery byte is verified. If some cannot be read nothing is restored, unless --salvage says"
          + " so.",
      "%nWith --delta a disk that is there already is put back in place: it is read and compared,"
          + " and only what differs is written. Of a qcow2 image whose bitmap proves what has"
          + " changed since the VM's latest snapshot, only that is read. Until it is complete the"
          + " disk is neither what it was nor the snapshot's; if it fails or is killed, the same"
          + " again completes it. The next backup of a qcow2 image then reads it in full.",
      "%nWith --live the disks of a VM that runs on the snapshot, over NBD, are moved to images while"
          + " the guest goes on, with all it has written; then the VM needs no server any more."
          + " Stopped or killed before that, the VM goes on as it was."
    },
    footer = {
      "%nExamples:",
      "  nbdvault -r /backup restore web1@latest --to /vm/restored/",
      "  nbdvault -r /backup restore 1a2b3c4d --disk vda --to /vm/web1.qcow2",
      "  nbdvault -r /backup restore web1@latest --disk vda --to /vm/web1.qcow2 --delta",
      "  nbdvault -r /backup restore web1@latest --live --qmp /run/web1.qmp --to /vm/"
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
      names = "--delta",
      description =
          "Change only what differs in a file, device or NBD disk that is there already, whatever"
              + " it holds. Its VM must not be running. A file must have the disk's size.")
  private boolean delta;

  @Option(
      names = "--salvage",
      description =
          "Restore also what is damaged: zeroes are written where the repository cannot be read,"
              + " and each such range is listed. Ends with code 3 then.")
  private boolean salvage;

  @Option(
      names = "--live",
      description = "Move the disks of the running VM that --qmp names, instead of writing them.")
  private boolean live;

  @Option(names = "--qmp", paramLabel = "SOCKET", description = "With --live: its QMP socket.")
  private @Nullable Path qmpSocket;

  RestoreCommand(NbdvaultCommand root) {
    this.root = root;
  }

  @Override
  public Integer call() throws IOException, JobException, InterruptedException {
    checkLive();
    RepositoryAccess access = new RepositoryAccess(root, spec);
    Path socket = qmpSocket;
    return socket == null ? restore(access) : move(access, socket);
  }

  private void checkLive() {
    if (live != (qmpSocket != null)) {
      throw new ParameterException(spec.commandLine(), "--live and --qmp belong together");
    }
    if (live && salvage) {
      throw new ParameterException(spec.commandLine(), "--live and --salvage exclude each other");
    }
    if (live && delta) {
      throw new ParameterException(spec.commandLine(), "--live and --delta exclude each other");
    }
  }

  private int move(RepositoryAccess access, Path socket)
      throws IOException, JobException, InterruptedException {
    long startNanos = System.nanoTime();
    try (ChunkStore store = access.forReading();
        JobDisplay display = root.display()) {
      SnapshotRecord moved =
          new LiveRestoreJob(
                  store, EngineLimits.defaults(), root.surroundings().cancellation(), display)
              .run(request(), socket);
      display.restored(moved, Duration.ofNanos(System.nanoTime() - startNanos));
    }
    return ExitCode.OK;
  }

  private int restore(RepositoryAccess access)
      throws IOException, JobException, InterruptedException {
    long startNanos = System.nanoTime();
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

  boolean isLive() {
    return live || qmpSocket != null;
  }

  RestoreRequest request() {
    return new RestoreRequest(
        snapshot, disks, to, Optional.ofNullable(format), force, salvage, delta);
  }
}
