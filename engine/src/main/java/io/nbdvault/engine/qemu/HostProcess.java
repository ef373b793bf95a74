package io.nbdvault.engine.qemu;

import io.nbdvault.qmp.PeerCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
      if (fields[0].equals("Z") || fields[0].equals("X")) {
        return Optional.empty(); // Dead, and waiting to be reaped.
      }
      String startTicks = fields[19]; // Field 22 of proc(5), counted from the third.
      String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
      return Optional.of(new HostProcess(pid, startTicks, boot));
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  /** The effective user and group it runs as; empty when it has ended. */
  Optional<PeerCredentials> owner() {
    try {
      List<String> status = Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"));
      return Optional.of(
          new PeerCredentials(pid, effective(status, "Uid"), effective(status, "Gid")));
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  /** The second number of a line such as {@code Uid: real effective saved filesystem}. */
  private static long effective(List<String> status, String name) {
    return status.stream()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> Long.parseLong(line.split("\\s+", -1)[2]))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + name + " in a process's status"));
  }

  /** Whether this very process is still there, and not only waiting to be reaped. */
  boolean isThere() {
    return of(pid).filter(this::equals).isPresent();
  }

  /** As it is recorded with a checkpoint. */
  String identity() {
    return pid + ":" + startTicks + ":" + bootId;
  }
}
