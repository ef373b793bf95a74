package io.nbdvault.nbd.client;

/** The bounds of everything inside the client that could grow. */
final class ClientLimits {
  /** Operations that wait for a free place in flight. */
  static final int QUEUED_OPERATIONS_MAX = 4096;

  /** Replies to one option, LIST's included. */
  static final int OPTION_REPLIES_MAX = 16384;

  /** Bytes a server may send in one handshake. */
  static final long HANDSHAKE_BYTES_MAX = 8L << 20;

  /** Extents in the answer to one BLOCK_STATUS, in all contexts together. */
  static final int EXTENTS_PER_REPLY_MAX = 1 << 21;

  /** Separate ranges of one read that may be outstanding in disorder. */
  static final int COVERAGE_RANGES_MAX = 4096;

  /**
   * One buffer of a receive. The kernel hands out at most about 208 KiB of a unix socket at a time
   * by default, and a buffer this size stays in the second level cache until it is copied.
   */
  static final int RECEIVE_BUFFER_BYTES = 256 << 10;

  /**
   * A payload of which this much is still to come is received straight into the caller's buffer.
   * For less, one receive of header and payload together and a copy cost less than two receives.
   */
  static final int DIRECT_RECEIVE_BYTES_MIN = 16 << 10;

  /** Receives per turn of the event loop, so that one connection does not starve another. */
  static final int RECEIVES_PER_TURN_MAX = 16;

  /**
   * Once replies come, requests are sent when this part of a connection's places is free again, so
   * that a system call sends several.
   */
  static final int REFILL_FRACTION = 4;

  /**
   * The longest TRIM, CACHE or WRITE_ZEROES: they carry no payload, but servers have int limits.
   */
  static final long RANGE_REQUEST_BYTES_MAX = 1L << 30;

  /**
   * The longest BLOCK_STATUS with compact headers: the longest 32-bit length that is aligned to any
   * block size.
   */
  static final long BLOCK_STATUS_BYTES_MAX = (1L << 32) - (64 << 10);

  /** How long close() waits for the server to react to DISC. */
  static final long CLOSE_MILLIS_MAX = 500;

  /** Threads shared by all clients of the process. */
  static final int EVENT_LOOPS = 2;

  /** The pauses between attempts to connect again: the first, and what they grow to. */
  static final long RECONNECT_PAUSE_MILLIS_MIN = 50;

  static final long RECONNECT_PAUSE_MILLIS_MAX = 2_000;

  /** How often a request is sent again because its connection was lost. */
  static final int RESTARTS_MAX = 8;

  private ClientLimits() {}
}
