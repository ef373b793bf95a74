package io.nbdvault.nbd.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** A listening socket that another process has opened for this one (sd_listen_fds(3)). */
final class SocketActivation {
  /** The first descriptor that is passed on, SD_LISTEN_FDS_START. */
  static final int FD = 3;

  private SocketActivation() {}

  /**
   * Checks that one socket was passed on to this process.
   *
   * @throws IOException if not, with what is wrong
   */
  static void check(Map<String, String> environment, long pid) throws IOException {
    String forPid = environment.get("LISTEN_PID");
    String count = environment.get("LISTEN_FDS");
    if (forPid == null || count == null) {
      throw new IOException("no socket was passed on: LISTEN_PID and LISTEN_FDS are not set");
    }
    if (!forPid.equals(Long.toString(pid))) {
      throw new IOException(
          "the socket was passed on to process " + forPid + ", and this is " + pid);
    }
    if (!count.equals("1")) {
      throw new IOException("LISTEN_FDS: " + count + " (expected: 1)");
    }
  }

  /** Whether it is a unix socket, and not one of TCP (proc(5), /proc/net/unix). */
  static boolean isUnixSocket() throws IOException {
    String link = Files.readSymbolicLink(Path.of("/proc/self/fd/" + FD)).toString();
    if (!link.startsWith("socket:[")) {
      throw new IOException("file descriptor " + FD + " is no socket, but " + link);
    }
    String inode = link.substring("socket:[".length(), link.length() - 1);
    try (Stream<String> lines = Files.lines(Path.of("/proc/net/unix"))) {
      // Num RefCount Protocol Flags Type St Inode Path
      return lines
          .map(line -> line.trim().split("\\s+", -1))
          .anyMatch(fields -> fields.length > 6 && fields[6].equals(inode));
    }
  }
}
