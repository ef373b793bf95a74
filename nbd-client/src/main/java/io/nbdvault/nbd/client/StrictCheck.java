package io.nbdvault.nbd.client;

/**
 * What an {@link NbdClient} refuses to send because no server could accept it (proto.md,
 * "Transmission flags" and "Size constraints"). All are on by default; a test of a server takes
 * away those whose mistakes it wants to make.
 */
public enum StrictCheck {
  /** The command was not announced in the transmission flags, or writes to a read-only export. */
  COMMANDS,

  /** A command flag was not announced. */
  FLAGS,

  /** A range lies outside the export. */
  BOUNDS,

  /**
   * A write, trim, cache or zeroing is not aligned to the minimum block size. Without this check
   * reads and block status are not widened to whole blocks either.
   */
  ALIGNMENT,

  /** A length of 0 for a command that needs one. */
  ZERO_LENGTH,

  /** A payload is longer than the maximum block size; without this check nothing is split. */
  PAYLOAD
}
