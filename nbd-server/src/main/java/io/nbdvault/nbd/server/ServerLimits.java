package io.nbdvault.nbd.server;

/**
 * What a server lets its clients do at most.
 *
 * @param connectionsMax connections at once; more are closed at once
 * @param handshakeMillisMax from the accepted connection to the entered export
 * @param optionsMax options that one client may send before it enters an export
 * @param contextsMax metadata contexts that one client may have chosen, or is listed for one query
 * @param requestsMax requests of one connection in flight; no more are read from it until one ends
 * @param requestBytesMax payload bytes in flight of one connection
 * @param totalBytesMax payload bytes in flight of all connections together
 * @param stalledMillisMax how long a client may leave what was sent to it unread, or a request that
 *     it has begun unfinished, before it is disconnected
 * @param workers threads that call exports
 */
public record ServerLimits(
    int connectionsMax,
    int handshakeMillisMax,
    int optionsMax,
    int contextsMax,
    int requestsMax,
    int requestBytesMax,
    int totalBytesMax,
    int stalledMillisMax,
    int workers) {
  /** Enough for a thousand idle clients and a few busy ones, in a small heap. */
  public static final ServerLimits DEFAULT =
      new ServerLimits(1_100, 10_000, 128, 64, 16, 64 << 20, 128 << 20, 60_000, 4);

  private static final int REQUEST_BYTES_LEAST = 1 << 20;

  /**
   * Checks the limits.
   *
   * @throws IllegalArgumentException if one of them would let nothing through
   */
  public ServerLimits {
    atLeast("connectionsMax", connectionsMax, 1);
    atLeast("handshakeMillisMax", handshakeMillisMax, 1);
    atLeast("optionsMax", optionsMax, 1);
    atLeast("contextsMax", contextsMax, 0);
    atLeast("requestsMax", requestsMax, 1);
    atLeast("requestBytesMax", requestBytesMax, REQUEST_BYTES_LEAST);
    atLeast("totalBytesMax", totalBytesMax, requestBytesMax);
    atLeast("stalledMillisMax", stalledMillisMax, 1);
    atLeast("workers", workers, 1);
  }

  private static void atLeast(String what, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: >= " + least + ")");
    }
  }
}
