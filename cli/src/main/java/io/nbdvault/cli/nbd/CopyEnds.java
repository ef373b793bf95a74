package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.restore.TargetUse;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;

/** Opens both ends of a copy, refusing what cannot work before anything is written. */
final class CopyEnds {
  private static final int TYPE_MASK = 0xf000;
  private static final int BLOCK_DEVICE = 0x6000; // S_IFBLK of stat(2)

  private final StandardStreams streams;
  private final CopyOptions options;

  CopyEnds(StandardStreams streams, CopyOptions options) {
    this.streams = streams;
    this.options = options;
  }

  CopySource openSource(CopyPlace place) throws IOException, JobException {
    if (place instanceof CopyPlace.Export export) {
      return NbdSource.open(export.uri(), options);
    }
    if (place instanceof CopyPlace.Standard) {
      return new StreamSource("stdin", streams.in().get(), OptionalLong.empty(), options);
    }
    if (place instanceof CopyPlace.Local local) {
      return openFile(local.path());
    }
    throw JobException.badRequest("null: can only be the destination");
  }

  private CopySource openFile(Path path) throws IOException, JobException {
    refuseDirectory(path);
    if (!Files.exists(path)) {
      throw JobException.badRequest(path + ": no such file");
    }
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    boolean sized = Files.isRegularFile(path) || isBlockDevice(path);
    OptionalLong size = sized ? OptionalLong.of(channel.size()) : OptionalLong.empty();
    return new StreamSource(path.toString(), channel, size, options);
  }

  CopyDestination openDestination(CopyPlace place, CopySource source)
      throws IOException, JobException {
    if (place instanceof CopyPlace.Export export) {
      NbdDestination opened = NbdDestination.open(export.uri(), options);
      return checked(opened, opened.sizeBytes(), source);
    }
    if (place instanceof CopyPlace.Standard) {
      return new StreamDestination("stdout", streams.out().get());
    }
    if (place instanceof CopyPlace.Local local) {
      return openLocal(local.path(), source);
    }
    return new NullDestination();
  }

  private CopyDestination openLocal(Path path, CopySource source) throws IOException, JobException {
    refuseDirectory(path);
    boolean exists = Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    if (exists && isBlockDevice(path)) {
      refuseWithoutForce(path + " is a device; --force overwrites it");
      TargetUse.refuseBusyDevice(path);
      FileDestination device = FileDestination.openDevice(path, options.destinationIsZero());
      return checked(device, device.sizeBytes(), source);
    }
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      return new StreamDestination(
          path.toString(), FileChannel.open(path, StandardOpenOption.WRITE));
    }
    if (exists) {
      refuseWithoutForce(path + " exists; --force replaces it");
      TargetUse.refuseOpenImage(path);
    }
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null && !Files.isDirectory(parent)) {
      throw JobException.badRequest("directory " + parent + " does not exist");
    }
    // One end is an export, and here it is the source.
    return FileDestination.create(path, source.sizeBytes().orElseThrow());
  }

  private void refuseWithoutForce(String sentence) throws JobException {
    if (!options.force()) {
      throw JobException.failed(sentence);
    }
  }

  private static void refuseDirectory(Path path) throws JobException {
    if (Files.isDirectory(path)) {
      throw JobException.badRequest(path + " is a directory");
    }
  }

  private static boolean isBlockDevice(Path path) throws IOException {
    if (!Files.exists(path)) {
      return false;
    }
    int mode = (Integer) Files.getAttribute(path, "unix:mode");
    return (mode & TYPE_MASK) == BLOCK_DEVICE;
  }

  private static CopyDestination checked(
      CopyDestination destination, long sizeBytes, CopySource source)
      throws JobException, IOException {
    long needed = source.sizeBytes().orElse(0);
    if (sizeBytes >= needed) {
      return destination;
    }
    destination.close();
    throw JobException.failed(
        destination.name()
            + " is too small: it has "
            + sizeBytes
            + " bytes and "
            + source.name()
            + " has "
            + needed);
  }
}
