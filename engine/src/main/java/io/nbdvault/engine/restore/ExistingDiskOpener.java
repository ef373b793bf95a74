package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.qemu.Qcow2Header;
import io.nbdvault.engine.qemu.WritableImage;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.engine.source.VmHistory;
import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Opens what is there already, to be compared and put back in place. Asking for that is the consent
 * to overwrite it; what guards against the wrong target is that a file or an image must have
 * exactly the disk's size, and its format. Devices and NBD disks may be larger, as for every
 * restore, and what lies behind the disk is left alone.
 */
final class ExistingDiskOpener {
  private static final int SECTOR_BYTES = 512;

  private final RestoreRequest request;
  private final TargetOpener targets;
  private final SnapshotRecord snapshot;
  private final VmHistory history;
  private final String repositoryId;
  private final EngineLimits limits;
  private final JobListener listener;

  /**
   * @param history of the snapshot's VM
   * @param repositoryId whose bitmaps are ours
   */
  ExistingDiskOpener(
      RestoreRequest request,
      SnapshotRecord snapshot,
      VmHistory history,
      String repositoryId,
      EngineLimits limits,
      JobListener listener) {
    this.request = request;
    this.targets = new TargetOpener(request);
    this.snapshot = snapshot;
    this.history = history;
    this.repositoryId = repositoryId;
    this.limits = limits;
    this.listener = listener;
  }

  /** Refuses options that would promise what is not done. */
  static void check(RestoreRequest request) throws JobException {
    if (request.force()) {
      throw JobException.badRequest(
          "--force does not go with --delta, which changes what is there in any case, and refuses a"
              + " file of another size");
    }
    if (request.salvage()) {
      throw JobException.badRequest(
          "--salvage does not go with --delta: restore the rest of a damaged disk to a new file");
    }
  }

  /** Opens the target of one disk. */
  ExistingDisk open(DiskRecord disk, boolean inDirectory)
      throws JobException, IOException, InterruptedException {
    if (targets.isNbd()) {
      return openNbd(disk);
    }
    Path path = targets.imageFor(disk, inDirectory).path();
    ImageFormat format = request.format().orElse(TargetOpener.formatOf(path));
    if (!Files.exists(path)) {
      throw JobException.badRequest(
          path + " does not exist: --delta puts back what is there; leave it out for a new file");
    }
    return Files.isRegularFile(path) ? openFile(path, format, disk) : openDevice(path, disk);
  }

  private ExistingDisk openNbd(DiskRecord disk) throws JobException, IOException {
    NbdUri uri = TargetOpener.parse(request.to());
    ExistingDisk target = ExistingDisk.ofServer(disk.name(), uri, limits, listener);
    boolean accepted = false;
    try {
      if (target.readOnly()) {
        throw JobException.failed(uri + " is read-only");
      }
      TargetOpener.checkRoom(uri.toString(), target.sizeBytes(), disk);
      accepted = true;
      return target;
    } finally {
      if (!accepted) {
        target.close();
      }
    }
  }

  private ExistingDisk openDevice(Path device, DiskRecord disk)
      throws JobException, IOException, InterruptedException {
    targets.checkDevice(device);
    ExistingDisk target =
        open(device, ImageFormat.RAW, disk, Optional.of("only a qcow2 image keeps a bitmap"));
    boolean accepted = false;
    try {
      TargetOpener.checkRoom(device.toString(), target.sizeBytes(), disk);
      accepted = true;
      return target;
    } finally {
      if (!accepted) {
        target.close();
      }
    }
  }

  private ExistingDisk openFile(Path file, ImageFormat format, DiskRecord disk)
      throws JobException, IOException, InterruptedException {
    TargetUse.refuseOpenImage(file.toRealPath());
    if (format == ImageFormat.RAW) {
      if (request.format().isEmpty() && Qcow2Header.isIn(file)) {
        throw JobException.badRequest(
            file + " begins as a qcow2 image: say with --format whether it is one, or raw");
      }
      checkSize(file, Files.size(file), disk.sizeBytes(), disk);
    }
    ExistingDisk target = open(file, format, disk, notProvable(format, disk));
    boolean accepted = false;
    try {
      checkSize(file, target.sizeBytes(), toSectors(disk.sizeBytes()), disk);
      accepted = true;
      return target;
    } finally {
      if (!accepted) {
        target.close();
      }
    }
  }

  /** QEMU rounds the size of every image up to whole sectors. */
  private static long toSectors(long bytes) {
    return (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
  }

  private static void checkSize(Path file, long foundBytes, long expectedBytes, DiskRecord disk)
      throws JobException {
    if (foundBytes != expectedBytes) {
      throw JobException.failed(
          file
              + " has another size than disk "
              + disk.name()
              + ": "
              + foundBytes
              + " bytes, and the disk has "
              + disk.sizeBytes()
              + "; without --delta, and with --force, it is replaced");
    }
  }

  private Optional<String> notProvable(ImageFormat format, DiskRecord disk) {
    if (format != ImageFormat.QCOW2) {
      return Optional.of("only a qcow2 image keeps a bitmap");
    }
    boolean isLatest =
        history
            .disk(disk.name())
            .map(entry -> entry.snapshot().equals(snapshot.id()))
            .orElse(false);
    return isLatest
        ? Optional.empty()
        : Optional.of("there is a later snapshot, and bitmaps record what changed since that");
  }

  private ExistingDisk open(
      Path file, ImageFormat format, DiskRecord disk, Optional<String> notProvable)
      throws JobException, IOException, InterruptedException {
    WritableImage image =
        WritableImage.open(
            new WritableImage.Request(
                file,
                format.name().toLowerCase(Locale.ROOT),
                repositoryId,
                snapshot.id(),
                disk,
                notProvable));
    boolean opened = false;
    try {
      ExistingDisk target =
          ExistingDisk.ofImage(file, format, disk.name(), image, limits, listener);
      opened = true;
      return target;
    } finally {
      if (!opened) {
        image.close();
      }
    }
  }
}
