package io.nbdvault.qmp.agent;

import java.time.Duration;

/**
 * The limits of a guest-agent session. The guest is not trusted: it may answer late, never, or with
 * garbage without end.
 *
 * @param connectTimeout until the agent has answered the first synchronisation
 * @param commandTimeout for one command's reply, freeze and thaw excepted, which are given theirs
 * @param lineBytesMax longest message accepted, in bytes, 4 KiB to 64 MiB
 */
public record GuestAgentOptions(
    Duration connectTimeout, Duration commandTimeout, int lineBytesMax) {
  public GuestAgentOptions {
    if (lineBytesMax < 4096 || lineBytesMax > 64 << 20) {
      throw new IllegalArgumentException(
          "lineBytesMax: " + lineBytesMax + " (expected: 4096-67108864)");
    }
    requireTimeout("connectTimeout", connectTimeout);
    requireTimeout("commandTimeout", commandTimeout);
  }

  /** Returns 5 s to connect, 5 s for a command, 1 MiB for a message. */
  public static GuestAgentOptions defaults() {
    return new GuestAgentOptions(Duration.ofSeconds(5), Duration.ofSeconds(5), 1 << 20);
  }

  static void requireTimeout(String name, Duration timeout) {
    if (timeout.isZero() || timeout.isNegative() || timeout.toHours() > 24) {
      throw new IllegalArgumentException(name + ": " + timeout + " (expected: > 0 and <= 1 day)");
    }
  }
}
