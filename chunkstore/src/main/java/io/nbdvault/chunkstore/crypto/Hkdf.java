package io.nbdvault.chunkstore.crypto;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * HKDF-SHA256 (RFC 5869) for keys of 32 bytes, which are one block of its output. On the JDK's
 * HMAC, because a key is derived for every chunk; the JDK has HKDF itself only from 25 on.
 */
final class Hkdf {
  private static final String HMAC = "HmacSHA256";

  private Hkdf() {}

  /** Extracts from {@code material} and expands to a key of 32 bytes. */
  static byte[] derive(byte[] salt, byte[] material, String info) {
    byte[] pseudorandomKey = hmac(salt).doFinal(material);
    return expand(hmac(pseudorandomKey), info.getBytes(StandardCharsets.US_ASCII));
  }

  /** Expands the key that {@code hmac} was made with. */
  static byte[] expand(Mac hmac, byte[]... info) {
    for (byte[] part : info) {
      hmac.update(part);
    }
    hmac.update((byte) 1);
    return hmac.doFinal();
  }

  /** HMAC-SHA256 with a key. */
  static Mac hmac(byte[] key) {
    try {
      Mac hmac = Mac.getInstance(HMAC);
      hmac.init(new SecretKeySpec(key, HMAC));
      return hmac;
    } catch (InvalidKeyException e) {
      throw new IllegalStateException("HMAC takes keys of any length", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform must have " + HMAC, e);
    }
  }
}
