package io.nbdvault.nbd;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What can go wrong between an NBD client and its server, in five kinds: no connection, the
 * protocol broken, a refusal, no security, a connection lost. Only after {@link NbdServerException}
 * is the connection good for more. The specification (NBD project, proto.md, "Protocol phases") has
 * sections for each kind, named there; what a server says is escaped before it becomes part of a
 * message.
 */
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
