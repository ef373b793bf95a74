package io.nbdvault.qmp;

import java.time.Duration;

/**
 * The limits of a QMP session.
 *
 * @param connectTimeout until the greeting is read and capabilities are negotiated
 * @param commandTimeout for one command's reply
 * @param lineBytesMax longest message accepted, in bytes, 4 KiB to 1 GiB; the answers to {@code
 *     query-qmp-schema} and {@code query-named-block-nodes} are large
 */
public record QmpOptions(Duration connectTimeout, Duration commandTimeout, int lineBytesMax) {
  private static final Duration TIMEOUT_MAX = Duration.ofDays(1);

  public QmpOptions {
    requireTimeout("connectTimeout", connectTimeout);
    requireTimeout("commandTimeout", commandTimeout);
    if (lineBytesMax < 4096 || lineBytesMax > 1 << 30) {
      throw new IllegalArgumentException(
          "lineBytesMax: " + lineBytesMax + " (expected: 4096-1073741824)");
    }
  }

  /** Returns 5 s to connect, 60 s for a command, 64 MiB for a message. */
  public static QmpOptions defaults() {
    return new QmpOptions(Duration.ofSeconds(5), Duration.ofSeconds(60), 64 << 20);
  }

  static void requireTimeout(String name, Duration timeout) {
    if (timeout.isZero() || timeout.isNegative() || timeout.compareTo(TIMEOUT_MAX) > 0) {
      throw new IllegalArgumentException(name + ": " + timeout + " (expected: > 0 and <= 1 day)");
    }
  }
}
