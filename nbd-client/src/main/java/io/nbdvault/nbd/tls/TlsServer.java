package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

/**
 * A server's end of TLS 1.2 or 1.3: with certificates, by the JDK, or with pre-shared keys, by
 * Bouncy Castle. Holds nothing that must be closed; safe for any number of threads and channels.
 */
public final class TlsServer {
  private static final long CLOSE_NOTIFY_MILLIS_MAX = 500;

  private final Handlers handlers;

  private TlsServer(Handlers handlers) {
    this.handlers = handlers;
  }

  /** Makes what stands first in a channel's pipeline, the first first. */
  private interface Handlers {
    ChannelHandler[] make(Channel channel);
  }

  /**
   * Reads {@code server-cert.pem}, {@code server-key.pem} and, to verify clients, {@code
   * ca-cert.pem} and, if it is there, {@code ca-crl.pem} of a directory. Blocks; not for an event
   * loop.
   *
   * @param verifiesClients whether clients need a certificate of that authority
   * @throws NbdConnectException with one sentence that says which file, and what is wrong with it
   */
  public static TlsServer load(Path directory, boolean verifiesClients) throws NbdConnectException {
    if (!Files.isDirectory(directory)) {
      throw KeyFile.broken(directory, "there is no such directory of certificates", null);
    }
    TlsIdentity identity =
        TlsIdentity.load(directory, "server")
            .orElseThrow(() -> KeyFile.broken(directory, "there is no server-cert.pem", null));
    SslContextBuilder builder =
        SslContextBuilder.forServer(
                identity.key(), identity.chain().toArray(new X509Certificate[0]))
            .sslProvider(SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2");
    if (verifiesClients) {
      if (!Files.exists(directory.resolve("ca-cert.pem"))) {
        // Without it the system's authorities would do.
        throw KeyFile.broken(directory, "there is no ca-cert.pem to verify clients with", null);
      }
      builder.trustManager(ServerTrust.load(Optional.of(directory))).clientAuth(ClientAuth.REQUIRE);
    }
    try {
      SslContext context = builder.build();
      return new TlsServer(
          channel ->
              new ChannelHandler[] {new RenegotiationGuard("client"), certified(context, channel)});
    } catch (SSLException e) {
      throw new NbdConnectException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  private static SslHandler certified(SslContext context, Channel channel) {
    SslHandler tls = context.newHandler(channel.alloc());
    // The caller has a deadline.
    tls.setHandshakeTimeoutMillis(0);
    tls.setCloseNotifyFlushTimeout(CLOSE_NOTIFY_MILLIS_MAX, TimeUnit.MILLISECONDS);
    return tls;
  }

  /**
   * Reads a file of lines USERNAME:HEXKEY, as GnuTLS's psktool writes them, for clients that have
   * one of these keys. Blocks; not for an event loop.
   *
   * @throws NbdConnectException with one sentence that says which file, and what is wrong with it
   */
  public static TlsServer loadPsk(Path file) throws NbdConnectException {
    Map<String, PskFile.Entry> users = PskFile.read(file).entries();
    TlsCrypto crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
    return new TlsServer(
        channel -> new ChannelHandler[] {PskHandler.server(new PskServer(crypto, users))});
  }

  /**
   * Puts TLS first in a channel's pipeline. Handlers that are there already, or are added behind,
   * read and write plain bytes. To be called on the channel's event loop, with nothing of the
   * client buffered.
   *
   * @return ends on the event loop when the handshake is over; fails with a sentence, and then the
   *     channel is closed or about to be
   */
  public CompletableFuture<Void> secure(Channel channel) {
    ServerSide side = new ServerSide();
    channel.pipeline().addFirst(side).addFirst(new PacedWrites());
    ChannelHandler[] tls = handlers.make(channel);
    for (int i = tls.length - 1; i >= 0; i--) {
      channel.pipeline().addFirst(tls[i]);
    }
    return side.secured();
  }
}
