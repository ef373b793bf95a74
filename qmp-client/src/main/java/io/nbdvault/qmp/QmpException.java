package io.nbdvault.qmp;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A QMP or guest-agent session could not do what was asked; the four kinds say why. */
public abstract sealed class QmpException extends IOException
    permits QmpConnectException,
        QmpCommandException,
        QmpDisconnectedException,
        QmpProtocolException {
  private static final long serialVersionUID = 1L;

  QmpException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Returns the same error with the stack of the calling thread, this one being its cause: an error
   * found on the event loop would otherwise not show who had asked.
   */
  abstract QmpException here();
}
