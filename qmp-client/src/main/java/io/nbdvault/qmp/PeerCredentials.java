package io.nbdvault.qmp;

/**
 * Who is at the other end of a Unix domain socket, as the kernel says (SO_PEERCRED, unix(7)): the
 * process that called listen(2), and its user and group at that time.
 *
 * @param pid process id in our pid namespace; 0 where the process is not visible in it
 * @param uid effective user id, as an unsigned 32-bit number
 * @param gid effective group id, as an unsigned 32-bit number
 */
public record PeerCredentials(long pid, long uid, long gid) {
  public PeerCredentials {
    if (pid < 0) {
      throw new IllegalArgumentException("pid: " + pid + " (expected: >= 0)");
    }
    if (uid < 0 || uid > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("uid: " + uid + " (expected: 0-4294967295)");
    }
    if (gid < 0 || gid > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("gid: " + gid + " (expected: 0-4294967295)");
    }
  }
}
