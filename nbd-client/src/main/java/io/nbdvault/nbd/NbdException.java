package io.nbdvault.nbd;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What can go wrong between an NBD client and its server, in five kinds. */
public abstract sealed class NbdException extends IOException
    permits NbdConnectException,
        NbdProtocolException,
        NbdServerException,
        NbdTlsException,
        NbdDisconnectedException {
  private static final long serialVersionUID = 1L;

  NbdException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
