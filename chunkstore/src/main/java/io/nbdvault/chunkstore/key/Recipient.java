package io.nbdvault.chunkstore.key;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.XECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.HexFormat;

/**
 * An X25519 public key. Whoever has the private key, which need not be on any machine that makes
 * backups, can unlock a repository that has a slot for it.
 *
 * @param hex the key's 32 bytes (RFC 7748, section 5) as lower-case hex digits
 */
public record Recipient(String hex) implements SlotKey {
  /** Length of a key in bytes. */
  public static final int BYTES = 32;

  private static final String PEM_LABEL = "PUBLIC KEY";

  /** Checks the bounds given above. */
  public Recipient {
    if (hex.length() != 2 * BYTES || !hex.equals(HexFormat.of().formatHex(parse(hex)))) {
      throw new IllegalArgumentException(
          "public key: " + hex + " (expected: " + 2 * BYTES + " lower-case hex digits)");
    }
  }

  /**
   * Reads a PEM file with the label "PUBLIC KEY" (RFC 8410), as OpenSSL writes it too.
   *
   * @throws IllegalArgumentException if it is anything else
   */
  public static Recipient parsePem(String pem) {
    try {
      X509EncodedKeySpec encoded = new X509EncodedKeySpec(Pem.decode(PEM_LABEL, pem));
      return of((XECPublicKey) KeyFactory.getInstance("X25519").generatePublic(encoded));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("public key: not one of X25519 (RFC 8410)", e);
    }
  }

  static Recipient of(XECPublicKey key) {
    byte[] bigEndian = key.getU().toByteArray();
    byte[] littleEndian = new byte[BYTES];
    for (int i = 0; i < Math.min(BYTES, bigEndian.length); i++) {
      littleEndian[i] = bigEndian[bigEndian.length - 1 - i];
    }
    return new Recipient(HexFormat.of().formatHex(littleEndian));
  }

  /** The PEM file. */
  public String toPem() {
    byte[] bigEndian = new byte[BYTES];
    byte[] littleEndian = bytes();
    for (int i = 0; i < BYTES; i++) {
      bigEndian[i] = littleEndian[BYTES - 1 - i];
    }
    try {
      XECPublicKeySpec spec =
          new XECPublicKeySpec(NamedParameterSpec.X25519, new BigInteger(1, bigEndian));
      return Pem.encode(
          PEM_LABEL, KeyFactory.getInstance("X25519").generatePublic(spec).getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform since 11 must have X25519", e);
    }
  }

  /** The 32 bytes, in an array of their own. */
  public byte[] bytes() {
    return parse(hex);
  }

  private static byte[] parse(String hex) {
    return HexFormat.of().parseHex(hex);
  }
}
