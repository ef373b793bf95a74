package io.nbdvault.nbd;

import org.jspecify.annotations.Nullable;

/** The peer broke the protocol; what it sent cannot be trusted. */
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
