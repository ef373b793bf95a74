package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdTlsException;
import io.nbdvault.nbd.TlsSettings;
import io.netty.channel.Channel;
import java.util.concurrent.CompletableFuture;

/**
 * Loads keys and secures channels with TLS 1.2 or 1.3 (NBD project, proto.md, "TLS support"). Holds
 * nothing that must be closed; safe for any number of threads and channels.
 */
public final class TlsClient {
  private final Security security;

  private TlsClient(Security security) {
    this.security = security;
  }

  /**
   * Reads the settings' files. Blocks; not for an event loop.
   *
   * @throws NbdConnectException with one sentence that says which file, and what is wrong with it
   */
  public static TlsClient load(TlsSettings settings) throws NbdConnectException {
    if (settings instanceof TlsSettings.Psk psk) {
      return new TlsClient(PskSecurity.load(psk));
    }
    return new TlsClient(X509Security.load((TlsSettings.X509) settings));
  }

  /**
   * Puts TLS first in a channel's pipeline and shakes hands. Handlers that are there already, or
   * are added behind, go on as if nothing had happened: they read and write plain bytes, and an
   * {@link NbdTlsException} comes to their exceptionCaught if the server says afterwards that it
   * does not accept the client. A server that breaks off, with or without close_notify, is an
   * inactive channel; it must not renegotiate. What is written is encrypted at the pace at which
   * the server takes it.
   *
   * <p>To be called on the channel's event loop, after the server acknowledged STARTTLS and with
   * nothing of it buffered. The channel's event loop also does the arithmetic of the handshake,
   * some milliseconds of it. There is no deadline here: close the channel at yours.
   *
   * @param serverName the host in the URI, a name or an address without brackets, empty for a unix
   *     socket; what the server's certificate is for, unless the settings name another. If both are
   *     silent, the certificate's chain is verified and its names are not, as QEMU does it
   * @return ends on the event loop when the server is verified; fails with {@link NbdTlsException},
   *     one sentence, and then the channel is closed
   * @throws IllegalStateException on another thread
   */
  public CompletableFuture<Void> secure(Channel channel, String serverName) {
    if (!channel.eventLoop().inEventLoop()) {
      throw new IllegalStateException("a channel is secured on its event loop");
    }
    if (!channel.isActive()) {
      // No event would ever come.
      return CompletableFuture.failedFuture(
          new NbdTlsException("the connection was closed before the TLS handshake"));
    }
    return security.secure(channel, serverName);
  }

  /** Keys, loaded, and how to use them. */
  interface Security {
    CompletableFuture<Void> secure(Channel channel, String serverName);
  }
}
