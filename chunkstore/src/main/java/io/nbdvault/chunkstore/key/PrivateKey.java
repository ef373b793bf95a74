package io.nbdvault.chunkstore.key;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.XECPrivateKey;
import java.security.interfaces.XECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.XECPrivateKeySpec;

/** An X25519 private key: it opens the slots that were made for its public key. Never shown. */
public final class PrivateKey implements UnlockingKey {
  private static final String PEM_LABEL = "PRIVATE KEY";

  /**
   * A private key and the public key that belongs to it.
   *
   * @param privateKey to be kept away
   * @param recipient to be given to those who make slots
   */
  public record Pair(PrivateKey privateKey, Recipient recipient) {}

  private final byte[] scalar;

  private PrivateKey(byte[] scalar) {
    if (scalar.length != Recipient.BYTES) {
      throw new IllegalArgumentException(
          "private key: " + scalar.length + " bytes (expected: " + Recipient.BYTES + ")");
    }
    this.scalar = scalar;
  }

  /** A new pair, from the platform's source of randomness. */
  public static Pair generate() {
    try {
      KeyPair pair = KeyPairGenerator.getInstance("X25519").generateKeyPair();
      return new Pair(
          of((XECPrivateKey) pair.getPrivate()), Recipient.of((XECPublicKey) pair.getPublic()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform since 11 must have X25519", e);
    }
  }

  /** Whether this looks like a PEM file of a private key, whatever its algorithm. */
  public static boolean isPem(String text) {
    return Pem.has(PEM_LABEL, text);
  }

  /**
   * Reads a PEM file with the label "PRIVATE KEY" (RFC 8410), as OpenSSL writes it too.
   *
   * @throws IllegalArgumentException if it is anything else
   */
  public static PrivateKey parsePem(String pem) {
    try {
      PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Pem.decode(PEM_LABEL, pem));
      return of((XECPrivateKey) KeyFactory.getInstance("X25519").generatePrivate(encoded));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("private key: not one of X25519 (RFC 8410)", e);
    }
  }

  /** The PEM file. */
  public String toPem() {
    try {
      XECPrivateKeySpec spec = new XECPrivateKeySpec(NamedParameterSpec.X25519, bytes());
      return Pem.encode(
          PEM_LABEL, KeyFactory.getInstance("X25519").generatePrivate(spec).getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform since 11 must have X25519", e);
    }
  }

  /** The 32 bytes, in an array of their own. */
  public byte[] bytes() {
    return scalar.clone();
  }

  @Override
  public String toString() {
    return "a private key";
  }

  private static PrivateKey of(XECPrivateKey key) {
    return new PrivateKey(
        key.getScalar()
            .orElseThrow(() -> new IllegalArgumentException("private key: it cannot be read")));
  }
}
