package io.nbdvault.qmp;

import org.jspecify.annotations.Nullable;

/**
 * The session has ended, or a reply did not come in time. A command that was under way may or may
 * not have been executed.
 */
public final class QmpDisconnectedException extends QmpException {
  private static final long serialVersionUID = 1L;

  /** What ended the session. */
  public enum Reason {
    /** The peer closed the connection: QEMU quit, died, or closed its monitor. */
    CLOSED_BY_PEER,
    /** This side closed the session. */
    CLOSED_HERE,
    /** A reply did not come before its deadline. */
    DEADLINE,
    /** The event listeners fell so far behind that the bounded queue was full. */
    EVENTS_OVERFLOWED,
    /** The operating system reported an error on the socket. */
    SOCKET_ERROR
  }

  private final Reason reason;

  public QmpDisconnectedException(Reason reason, String message) {
    this(reason, message, null);
  }

  public QmpDisconnectedException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Returns what ended the session. */
  public Reason reason() {
    return reason;
  }

  @Override
  QmpException here() {
    return new QmpDisconnectedException(reason, String.valueOf(getMessage()), this);
  }
}
