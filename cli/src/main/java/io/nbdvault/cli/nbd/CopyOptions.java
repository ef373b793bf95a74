package io.nbdvault.cli.nbd;

/**
 * How to copy.
 *
 * @param connections to each server, 1..16; one to a server that does not allow more
 * @param requests in flight on each connection, 1..64
 * @param requestBytes the longest request, 4 KiB..32 MiB
 * @param destinationIsZero whether the destination is known to read as zeroes, so that zeroes need
 *     not be written
 * @param force whether a file may be replaced, and a device overwritten
 */
public record CopyOptions(
    int connections, int requests, int requestBytes, boolean destinationIsZero, boolean force) {
  public static final int CONNECTIONS_MAX = 16;
  public static final int REQUESTS_MAX = 64;
  public static final int REQUEST_BYTES_MIN = 4 << 10;
  public static final int REQUEST_BYTES_MAX = 32 << 20;

  /** All buffers together, whatever the numbers above come to. */
  private static final long BUFFER_BYTES_MAX = 64L << 20;

  public CopyOptions {
    check("connections", connections, 1, CONNECTIONS_MAX);
    check("requests", requests, 1, REQUESTS_MAX);
    check("requestBytes", requestBytes, REQUEST_BYTES_MIN, REQUEST_BYTES_MAX);
  }

  /** What buffers may take: at least one request, at most 64 MiB. */
  long bufferBytesMax() {
    return Math.min(BUFFER_BYTES_MAX, (long) connections * requests * requestBytes);
  }

  private static void check(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: " + min + ".." + max + ")");
    }
  }
}
