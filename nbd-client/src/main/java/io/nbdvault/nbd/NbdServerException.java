package io.nbdvault.nbd;

/** The server understood and said no. */
public final class NbdServerException extends NbdException {
  private static final long serialVersionUID = 1L;

  private final NbdErrno errno;

  public NbdServerException(NbdErrno errno, String message) {
    super(errno + ": " + message, null);
    this.errno = errno;
  }

  /** The server's reason. Servers differ in which number they choose; do not depend on it. */
  public NbdErrno errno() {
    return errno;
  }
}
