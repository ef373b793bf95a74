package io.nbdvault.nbd;

import org.jspecify.annotations.Nullable;

/**
 * The server answers, but no secure connection to it comes about, or a secure connection broke: a
 * certificate that is not trusted or is another host's, a refused key, a server without TLS.
 * Nothing was sent in the clear instead, and trying again without a change somewhere is of no use
 * (NBD project, proto.md, "Client-side requirements" and "Protocol downgrade attacks").
 */
public final class NbdTlsException extends NbdException {
  private static final long serialVersionUID = 1L;

  /** With one sentence that a user understands. */
  public NbdTlsException(String message) {
    super(message, null);
  }

  /** As the other, with what it came from. */
  public NbdTlsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
