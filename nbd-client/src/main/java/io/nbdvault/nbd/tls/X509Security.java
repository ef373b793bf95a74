package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.TlsSettings;
import io.netty.channel.Channel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/** TLS with certificates, by the JDK. */
final class X509Security implements TlsClient.Security {
  private static final long CLOSE_NOTIFY_MILLIS_MAX = 500;
  // Without a port the JDK keeps no session to resume, so that each connection verifies anew.
  private static final int NO_PORT = -1;

  private final SslContext context;
  private final Optional<String> hostname;
  private final boolean verifyPeer;
  private final FailureWords words;

  private X509Security(
      SslContext context, Optional<String> hostname, boolean verifyPeer, FailureWords words) {
    this.context = context;
    this.hostname = hostname;
    this.verifyPeer = verifyPeer;
    this.words = words;
  }

  static X509Security load(TlsSettings.X509 settings) throws NbdConnectException {
    Optional<TlsIdentity> identity = Optional.empty();
    if (settings.certificates().isPresent()) {
      Path directory = settings.certificates().get();
      if (!Files.isDirectory(directory)) {
        throw KeyFile.broken(directory, "there is no such directory of certificates", null);
      }
      identity = TlsIdentity.load(directory, "client");
    }
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2")
            // Set for each channel, where the name is known.
            .endpointIdentificationAlgorithm(null);
    if (settings.verifyPeer()) {
      builder.trustManager(ServerTrust.load(settings.certificates()));
    } else {
      builder.trustManager(InsecureTrustManagerFactory.INSTANCE);
    }
    identity.ifPresent(
        own -> builder.keyManager(own.key(), own.chain().toArray(new X509Certificate[0])));
    try {
      return new X509Security(
          builder.build(), settings.hostname(), settings.verifyPeer(), words(identity));
    } catch (SSLException e) {
      throw new NbdConnectException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  private static FailureWords words(Optional<TlsIdentity> identity) {
    return new FailureWords(
        identity
            .map(own -> "the server does not accept the client's certificate, '" + own + "'")
            .orElse("the server requires a client's certificate, and none is given"));
  }

  @Override
  public CompletableFuture<Void> secure(Channel channel, String serverName) {
    String name = hostname.orElse(serverName);
    SslHandler tls =
        name.isEmpty()
            ? context.newHandler(channel.alloc())
            : context.newHandler(channel.alloc(), name, NO_PORT);
    if (verifyPeer && !name.isEmpty()) {
      SSLParameters parameters = tls.engine().getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      tls.engine().setSSLParameters(parameters);
    }
    // The caller has a deadline.
    tls.setHandshakeTimeoutMillis(0);
    tls.setCloseNotifyFlushTimeout(CLOSE_NOTIFY_MILLIS_MAX, TimeUnit.MILLISECONDS);
    PlainSide plain = new PlainSide(words);
    channel.pipeline().addFirst(new RenegotiationGuard("server"), tls, new PacedWrites(), plain);
    return plain.secured();
  }
}
