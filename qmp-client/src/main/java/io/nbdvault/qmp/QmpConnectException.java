package io.nbdvault.qmp;

import org.jspecify.annotations.Nullable;

/** There is no session: the message says in one sentence what is at the socket's path instead. */
public final class QmpConnectException extends QmpException {
  private static final long serialVersionUID = 1L;

  public QmpConnectException(String message) {
    this(message, null);
  }

  public QmpConnectException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  @Override
  QmpException here() {
    return new QmpConnectException(String.valueOf(getMessage()), this);
  }
}
