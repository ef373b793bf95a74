package io.nbdvault.engine.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The QEMU process as this host knows it. A pid alone is used again after a while; with the time
 * the process started and the host's boot it names one process for good.
 */
record HostProcess(long pid, String startTicks, String bootId) {

  /** Reads {@code /proc}; empty for a process that cannot be seen from here, as in a container. */
  static Optional<HostProcess> of(long pid) {
    if (pid <= 0) {
      return Optional.empty();
    }
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      // The second field is the command in parentheses and may hold anything, blanks included.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      String startTicks = fields[19]; // Field 22 of proc(5), counted from the third.
      String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
      return Optional.of(new HostProcess(pid, startTicks, boot));
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  /** As it is recorded with a checkpoint. */
  String identity() {
    return pid + ":" + startTicks + ":" + bootId;
  }
}
