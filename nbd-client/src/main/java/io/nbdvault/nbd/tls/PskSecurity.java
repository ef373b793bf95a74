package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.TlsSettings;
import io.netty.channel.Channel;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

/** TLS with a pre-shared key, by Bouncy Castle's protocol on the JDK's ciphers. */
final class PskSecurity implements TlsClient.Security {
  private final TlsCrypto crypto;
  private final PskFile.Entry entry;
  private final FailureWords words;

  private PskSecurity(PskFile.Entry entry) {
    this.crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
    this.entry = entry;
    this.words =
        new FailureWords(
            "the server does not know the user '"
                + entry.username()
                + "' or has another key for it");
  }

  static PskSecurity load(TlsSettings.Psk settings) throws NbdConnectException {
    String localUser = System.getProperty("user.name", "");
    return new PskSecurity(PskFile.read(settings.file()).find(settings.username(), localUser));
  }

  @Override
  public CompletableFuture<Void> secure(Channel channel, String serverName) {
    PlainSide plain = new PlainSide(words);
    channel
        .pipeline()
        .addFirst(PskHandler.client(new PskClient(crypto, entry)), new PacedWrites(), plain);
    return plain.secured();
  }
}
