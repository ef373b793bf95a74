package io.nbdvault.nbd.tls;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Vector;
import org.bouncycastle.tls.AbstractTlsServer;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.TlsCredentials;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.bouncycastle.tls.TlsUtils;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/**
 * What a server with pre-shared keys accepts: what {@link PskClient} offers, and no client without
 * one of the keys.
 */
final class PskServer extends AbstractTlsServer {
  private final Map<String, PskFile.Entry> users;

  /**
   * For one connection.
   *
   * @param users who may connect, by their names
   */
  PskServer(TlsCrypto crypto, Map<String, PskFile.Entry> users) {
    super(crypto);
    this.users = users;
  }

  private byte @Nullable [] key(byte[] identity) {
    PskFile.Entry user = users.get(new String(identity, StandardCharsets.UTF_8));
    return user == null ? null : user.key();
  }

  @Override
  protected ProtocolVersion[] getSupportedVersions() {
    return ProtocolVersion.TLSv13.downTo(ProtocolVersion.TLSv12);
  }

  @Override
  protected int[] getSupportedCipherSuites() {
    return TlsUtils.getSupportedCipherSuites(getCrypto(), PskSuites.ALL);
  }

  /** There is no certificate. */
  @Override
  public @Nullable TlsCredentials getCredentials() {
    return null;
  }

  /** TLS 1.3. */
  @Override
  @SuppressWarnings("rawtypes") // As Bouncy Castle has it.
  public @Nullable TlsPSKExternal getExternalPSK(Vector identities) {
    for (Object offered : identities) {
      byte[] identity = ((PskIdentity) offered).getIdentity();
      byte[] key = key(identity);
      if (key != null) {
        return new BasicTlsPSKExternal(identity, getCrypto().createSecret(key));
      }
    }
    return null;
  }

  /** TLS 1.2. */
  @Override
  public TlsPSKIdentityManager getPSKIdentityManager() {
    return new TlsPSKIdentityManager() {
      @Override
      public byte @Nullable [] getHint() {
        return null;
      }

      @Override
      public byte @Nullable [] getPSK(byte[] identity) {
        return key(identity);
      }
    };
  }
}
