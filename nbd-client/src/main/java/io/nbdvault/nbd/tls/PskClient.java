package io.nbdvault.nbd.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Vector;
import org.bouncycastle.tls.AbstractTlsClient;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.BasicTlsPSKIdentity;
import org.bouncycastle.tls.CertificateStatusRequest;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsPSKIdentity;
import org.bouncycastle.tls.TlsUtils;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/**
 * What a client with one pre-shared key offers: TLS 1.3 with an external key (RFC 8446, section
 * 2.2), and TLS 1.2 (RFC 4279, 5487, 5489, 7905, 8442), and no way to be content with a certificate
 * instead.
 */
final class PskClient extends AbstractTlsClient {
  private final PskFile.Entry entry;

  PskClient(TlsCrypto crypto, PskFile.Entry entry) {
    super(crypto);
    this.entry = entry;
  }

  private byte[] identity() {
    return entry.username().getBytes(StandardCharsets.UTF_8);
  }

  @Override
  protected ProtocolVersion[] getSupportedVersions() {
    return ProtocolVersion.TLSv13.downTo(ProtocolVersion.TLSv12);
  }

  @Override
  protected int[] getSupportedCipherSuites() {
    return TlsUtils.getSupportedCipherSuites(getCrypto(), PskSuites.ALL);
  }

  @Override
  protected @Nullable CertificateStatusRequest getCertificateStatusRequest() {
    return null;
  }

  @Override
  public Vector<?> getExternalPSKs() {
    return TlsUtils.vectorOfOne(
        new BasicTlsPSKExternal(identity(), getCrypto().createSecret(entry.key())));
  }

  @Override
  public TlsPSKIdentity getPSKIdentity() {
    return new BasicTlsPSKIdentity(identity(), entry.key());
  }

  /** Called when a server wants to prove itself by a certificate. */
  @Override
  public TlsAuthentication getAuthentication() throws IOException {
    throw new TlsFatalAlert(AlertDescription.handshake_failure);
  }
}
