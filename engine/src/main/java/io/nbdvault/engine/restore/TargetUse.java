package io.nbdvault.engine.restore;

import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Refuses to write over what something on this host is using, with {@code --force} or without. */
public final class TargetUse {
  /** QEMU holds shared locks on single bytes from here on, one for each permission that it uses. */
  private static final long QEMU_LOCKS_BEGIN = 100;

  private static final long QEMU_LOCKS_LENGTH = 200;

  private TargetUse() {}

  /** Refuses an image that a QEMU has open: it would go on writing to a file without a name. */
  public static void refuseOpenImage(Path image) throws JobException, IOException {
    if (!Files.isRegularFile(image, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock(QEMU_LOCKS_BEGIN, QEMU_LOCKS_LENGTH, false)) {
      if (lock == null) {
        throw JobException.failed(image + " is in use: is its VM running?");
      }
    }
  }

  /** Refuses a device that is mounted or swapped to, or of which a part or a layer above is. */
  public static void refuseBusyDevice(Path device) throws JobException, IOException {
    Set<String> names = new HashSet<>();
    collect(Path.of("/sys/class/block").resolve(device.toRealPath().getFileName()), names);
    Set<String> numbers = new HashSet<>();
    for (String name : names) {
      Path number = Path.of("/sys/class/block", name, "dev");
      if (Files.exists(number)) {
        numbers.add(Files.readString(number).strip());
      }
    }
    for (String mount : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      List<String> fields = List.of(mount.split(" ", 6)); // id, parent, major:minor, root, place
      if (numbers.contains(fields.get(2))) {
        throw JobException.failed(device + " is mounted on " + fields.get(4));
      }
    }
    for (String swap : Files.readAllLines(Path.of("/proc/swaps"))) {
      Path file = Path.of(swap.split("\\s", 2)[0]);
      if (file.isAbsolute() && names.contains(String.valueOf(file.getFileName()))) {
        throw JobException.failed(device + " is used for swapping, as " + file);
      }
    }
  }

  /** A device, its partitions, and what device mapper or md builds on any of them. */
  private static void collect(Path sysfs, Set<String> names) throws IOException {
    Path name = sysfs.getFileName();
    if (name == null || !Files.isDirectory(sysfs) || !names.add(name.toString())) {
      return;
    }
    try (DirectoryStream<Path> inside = Files.newDirectoryStream(sysfs)) {
      for (Path entry : inside) {
        if (Files.exists(entry.resolve("partition"))) {
          collect(Path.of("/sys/class/block").resolve(entry.getFileName()), names);
        }
      }
    }
    Path holders = sysfs.resolve("holders");
    if (Files.isDirectory(holders)) {
      try (DirectoryStream<Path> above = Files.newDirectoryStream(holders)) {
        for (Path holder : above) {
          collect(Path.of("/sys/class/block").resolve(holder.getFileName()), names);
        }
      }
    }
  }
}
