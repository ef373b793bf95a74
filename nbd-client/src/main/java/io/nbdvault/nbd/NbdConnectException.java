package io.nbdvault.nbd;

import org.jspecify.annotations.Nullable;

/**
 * No connection came about: no such socket or host, refused, or not in time. Nothing of the
 * protocol was spoken yet; where to connect is the URI's matter (NBD project, uri.md, "NBD URI
 * authority" and "NBD URI socket parameter").
 */
public final class NbdConnectException extends NbdException {
  private static final long serialVersionUID = 1L;

  /** With one sentence that says where to. */
  public NbdConnectException(String message) {
    super(message, null);
  }

  /** As the other, with what it came from. */
  public NbdConnectException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
