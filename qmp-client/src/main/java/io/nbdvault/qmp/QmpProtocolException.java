package io.nbdvault.qmp;

import org.jspecify.annotations.Nullable;

/** The peer sent what QMP does not allow, or what its schema does not; the session is closed. */
public final class QmpProtocolException extends QmpException {
  private static final long serialVersionUID = 1L;

  public QmpProtocolException(String message) {
    this(message, null);
  }

  public QmpProtocolException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  @Override
  QmpException here() {
    return new QmpProtocolException(String.valueOf(getMessage()), this);
  }
}
