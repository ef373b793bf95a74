package io.nbdvault.nbd.server;

/** The bounds of what could grow inside the server and that nobody needs to choose. */
final class FixedLimits {
  /** Exports in the answer to one LIST; a provider that has more must be asked by name. */
  static final int LISTED_EXPORTS_MAX = 16_000;

  /** Bytes of the answer to one LIST, names and texts together. */
  static final int LISTED_BYTES_MAX = 4 << 20;

  /** What every request in flight counts besides its payload. */
  static final int REQUEST_BYTES = 4 << 10;

  /** Extents in the answer to one BLOCK_STATUS, in all contexts together. */
  static final int EXTENTS_PER_REPLY_MAX = 1 << 15;

  /** What a BLOCK_STATUS in flight counts: so many extents of 16 bytes, and their headers. */
  static final int BLOCK_STATUS_BYTES = (EXTENTS_PER_REPLY_MAX << 4) + (8 << 10);

  /** The longest chunk of data of a read without DF, and the largest buffer of such a reply. */
  static final int DATA_CHUNK_BYTES_MAX = 1 << 20;

  /** A run of zeroes beside data that is shorter is sent as data: a chunk of its own costs more. */
  static final int HOLE_CHUNK_BYTES_MIN = 4 << 10;

  /** One buffer of a receive. */
  static final int RECEIVE_BUFFER_BYTES = 256 << 10;

  /** Receives per turn of the event loop, so that one connection does not starve another. */
  static final int RECEIVES_PER_TURN_MAX = 16;

  /**
   * What the kernel keeps of replies on a unix socket: only the sender's buffer counts there, and
   * the usual 208 KiB make sender and receiver take turns.
   */
  static final int UNIX_SEND_BUFFER_BYTES = 2 << 20;

  /** Threads that speak the protocol. */
  static final int EVENT_LOOPS = 2;

  /** Connections that the kernel accepts before the server does. */
  static final int BACKLOG = 128;

  /** How often an idle worker looks whether it is needed. */
  static final int WORKER_IDLE_SECONDS_MAX = 10;

  private FixedLimits() {}
}
