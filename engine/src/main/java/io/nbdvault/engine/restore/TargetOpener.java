package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.RestoreRequest.ImageFormat;
import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Finds out what a target is and opens it, refusing before anything is written: what is there
 * already without {@code --force}, what is too small, what is mounted.
 */
final class TargetOpener {
  private static final Pattern NBD_SCHEME = Pattern.compile("nbds?(\\+unix)?://.*");
  private static final Pattern IMAGE_NAME = Pattern.compile(".*\\.(qcow2|raw|img)");
  private static final int CONNECTIONS = 1;

  private final RestoreRequest request;

  TargetOpener(RestoreRequest request) {
    this.request = request;
  }

  /**
   * Whether the target is, or is to become, a directory with a file for each disk.
   *
   * @throws JobException when it takes one disk only and there are more
   */
  boolean isDirectoryFor(int disks) throws JobException {
    boolean directory = isDirectory(disks);
    if (disks > 1 && !directory) {
      throw JobException.badRequest(
          "the snapshot has "
              + disks
              + " disks and "
              + request.to()
              + " takes one: choose with --disk, or name a directory");
    }
    return directory;
  }

  private boolean isDirectory(int disks) {
    if (isNbd()) {
      return false;
    }
    Path path = Path.of(request.to());
    boolean asDirectory = request.to().endsWith("/");
    return Files.isDirectory(path)
        || (!Files.exists(path) && (asDirectory || (disks > 1 && !isImageName(path))));
  }

  /** Somebody who writes this means one file. */
  private static boolean isImageName(Path path) {
    return IMAGE_NAME.matcher(path.toString()).matches();
  }

  boolean isNbd() {
    return NBD_SCHEME.matcher(request.to()).matches();
  }

  /** Opens the target of one disk. */
  RestoreTarget open(DiskRecord disk, boolean inDirectory)
      throws JobException, IOException, InterruptedException {
    if (isNbd()) {
      return openNbd(disk);
    }
    Path path = Path.of(request.to());
    if (!inDirectory && Files.exists(path) && !Files.isRegularFile(path)) {
      return openDevice(path, disk);
    }
    Image image = imageFor(disk, inDirectory);
    return createImage(image.path(), image.format(), disk);
  }

  /** A new image: a file and its format. */
  record Image(Path path, ImageFormat format) {}

  /** The image that a disk becomes, where it becomes one. */
  Image imageFor(DiskRecord disk, boolean inDirectory) {
    Path path = Path.of(request.to());
    if (inDirectory) {
      ImageFormat format = request.format().orElse(ImageFormat.RAW);
      return new Image(path.resolve(disk.name() + ending(format)), format);
    }
    return new Image(path, request.format().orElse(formatOf(path)));
  }

  private static String ending(ImageFormat format) {
    return switch (format) {
      case RAW -> ".raw";
      case QCOW2 -> ".qcow2";
    };
  }

  static ImageFormat formatOf(Path path) {
    return path.toString().endsWith(".qcow2") ? ImageFormat.QCOW2 : ImageFormat.RAW;
  }

  private RestoreTarget createImage(Path path, ImageFormat format, DiskRecord disk)
      throws JobException, IOException, InterruptedException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && !request.force()) {
      throw JobException.failed(path + " exists; --force replaces it");
    }
    TargetUse.refuseOpenImage(path);
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null && !Files.isDirectory(parent)) {
      throw JobException.badRequest("directory " + parent + " does not exist");
    }
    return switch (format) {
      case RAW -> RawFileTarget.create(path, disk.sizeBytes());
      case QCOW2 -> ImageTarget.createQcow2(path, disk.sizeBytes());
    };
  }

  private RestoreTarget openDevice(Path device, DiskRecord disk)
      throws JobException, IOException, InterruptedException {
    checkDevice(device);
    ImageTarget target = ImageTarget.openDevice(device);
    boolean accepted = false;
    try {
      checkRoom(device.toString(), target.sizeBytes(), disk);
      refuseContent(device.toString(), target.isZero(request.force() ? 0 : disk.sizeBytes()));
      accepted = true;
      return target;
    } finally {
      if (!accepted) {
        target.close();
      }
    }
  }

  /** Refuses what cannot be written to a device, and a device that is in use. */
  void checkDevice(Path device) throws JobException, IOException {
    if (request.format().orElse(ImageFormat.RAW) != ImageFormat.RAW) {
      throw JobException.badRequest(device + " is a device: only the raw format can be written");
    }
    TargetUse.refuseBusyDevice(device);
  }

  private RestoreTarget openNbd(DiskRecord disk) throws JobException, IOException {
    NbdUri uri = parse(request.to());
    NbdTarget target = NbdTarget.connect(uri, CONNECTIONS, false);
    boolean accepted = false;
    try {
      if (target.readOnly()) {
        throw JobException.failed(uri + " is read-only");
      }
      checkRoom(uri.toString(), target.sizeBytes(), disk);
      refuseContent(uri.toString(), target.isZero(request.force() ? 0 : disk.sizeBytes()));
      accepted = true;
      return target;
    } finally {
      if (!accepted) {
        target.close();
      }
    }
  }

  static NbdUri parse(String text) throws JobException {
    try {
      return NbdUri.parse(text);
    } catch (IllegalArgumentException e) {
      throw JobException.badRequest(JobException.sentence(e));
    }
  }

  static void checkRoom(String name, long sizeBytes, DiskRecord disk) throws JobException {
    if (sizeBytes < disk.sizeBytes()) {
      throw JobException.failed(
          name
              + " is too small: it has "
              + sizeBytes
              + " bytes and disk "
              + disk.name()
              + " has "
              + disk.sizeBytes());
    }
  }

  private static void refuseContent(String name, boolean isZero) throws JobException {
    if (!isZero) {
      throw JobException.failed(name + " is not empty; --force overwrites it");
    }
  }
}
