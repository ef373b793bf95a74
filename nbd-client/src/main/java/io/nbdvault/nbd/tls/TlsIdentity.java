package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/**
 * Who a client is to the server, or a server to its clients.
 *
 * @param chain its own certificate, then those of intermediate authorities
 */
record TlsIdentity(PrivateKey key, List<X509Certificate> chain) {
  TlsIdentity {
    chain = List.copyOf(chain);
  }

  /**
   * Reads {@code SIDE-cert.pem} and {@code SIDE-key.pem}; empty if there is neither.
   *
   * @param side "client" or "server", as the files' names begin
   */
  static Optional<TlsIdentity> load(Path directory, String side) throws NbdConnectException {
    Path certificateFile = directory.resolve(side + "-cert.pem");
    Path keyFile = directory.resolve(side + "-key.pem");
    boolean certificateExists = Files.exists(certificateFile);
    if (!certificateExists && !Files.exists(keyFile)) {
      return Optional.empty();
    }
    if (!certificateExists) {
      throw KeyFile.broken(
          keyFile, "there is no " + certificateFile.getFileName() + " beside the file", null);
    }
    if (!Files.exists(keyFile)) {
      throw KeyFile.broken(
          certificateFile, "there is no " + keyFile.getFileName() + " beside the file", null);
    }
    List<X509Certificate> chain = PemFile.read(certificateFile).certificates();
    PrivateKey key = PemFile.read(keyFile).privateKey();
    if (!belongs(key, chain.get(0))) {
      throw KeyFile.broken(keyFile, "the key is not that of " + side + "-cert.pem", null);
    }
    return Optional.of(new TlsIdentity(key, chain));
  }

  private static boolean belongs(PrivateKey key, X509Certificate certificate) {
    String keyType = key.getAlgorithm();
    String signatureType =
        switch (keyType) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> keyType;
        };
    byte[] probe = "whose key is this".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signature = Signature.getInstance(signatureType);
      signature.initSign(key);
      signature.update(probe);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(probe);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      // Another type of key, or another curve: not this certificate's either.
      return false;
    }
  }

  /** Not its key. */
  @Override
  public String toString() {
    return chain.get(0).getSubjectX500Principal().getName();
  }
}
