package io.nbdvault.nbd;

import org.jspecify.annotations.Nullable;

/**
 * An established connection is gone: lost, closed, or given up at a deadline (NBD project,
 * proto.md, "Termination of the session during option haggling" and "Terminating the transmission
 * phase"). Whether the server carried out a request that was in flight is not known.
 */
public final class NbdDisconnectedException extends NbdException {
  private static final long serialVersionUID = 1L;

  /** With one sentence that says why. */
  public NbdDisconnectedException(String message) {
    super(message, null);
  }

  /** As the other, with what it came from. */
  public NbdDisconnectedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
