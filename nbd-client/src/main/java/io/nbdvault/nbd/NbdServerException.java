package io.nbdvault.nbd;

/**
 * The server understood and said no, to a request (NBD project, proto.md, "Error values") or to an
 * option ("Option reply types", the errors). The connection stays. Where the transmission flags say
 * beforehand that a request would be refused, it is not sent and fails with this as well.
 */
public final class NbdServerException extends NbdException {
  private static final long serialVersionUID = 1L;

  private final NbdErrno errno;

  /**
   * With the error in front of the message.
   *
   * @param message one sentence that says what was refused
   */
  public NbdServerException(NbdErrno errno, String message) {
    super(errno + ": " + message, null);
    this.errno = errno;
  }

  /** The server's reason. Servers differ in which number they choose; do not depend on it. */
  public NbdErrno errno() {
    return errno;
  }
}
