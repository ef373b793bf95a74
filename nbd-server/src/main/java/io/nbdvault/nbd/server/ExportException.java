package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdErrno;
import java.io.IOException;

/** A request that an export cannot meet, with the error that the client gets. */
public final class ExportException extends IOException {
  private static final long serialVersionUID = 1L;

  private final NbdErrno errno;
  private final long offsetBytes;

  /**
   * @param offsetBytes where in the device it went wrong, within the request
   * @param message for the log, and for the client if its protocol carries texts
   */
  public ExportException(NbdErrno errno, long offsetBytes, String message) {
    super(message);
    this.errno = errno;
    this.offsetBytes = offsetBytes;
  }

  /** The same, with what caused it. */
  public ExportException(NbdErrno errno, long offsetBytes, String message, Throwable cause) {
    super(message, cause);
    this.errno = errno;
    this.offsetBytes = offsetBytes;
  }

  /** The error for the client. */
  public NbdErrno errno() {
    return errno;
  }

  /** Where in the device it went wrong. */
  public long offsetBytes() {
    return offsetBytes;
  }
}
