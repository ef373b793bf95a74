package io.nbdvault.nbd;

import org.jspecify.annotations.Nullable;

/**
 * The peer broke the protocol, or a limit of this client; what it sent cannot be trusted. The
 * connection is closed, as either side may when the other violates what is mandatory (NBD project,
 * proto.md, "Termination of the session during option haggling" and "Terminating the transmission
 * phase").
 */
public final class NbdProtocolException extends NbdException {
  private static final long serialVersionUID = 1L;

  /** With one sentence that says what was received. */
  public NbdProtocolException(String message) {
    super(message, null);
  }

  /** As the other, with what it came from. */
  public NbdProtocolException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
