package io.nbdvault.chunkstore.crypto;

import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** AES-256-GCM of small values, stored as nonce (12 bytes), ciphertext, tag (16 bytes). */
final class Aead {
  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;

  /** How much longer a sealed value is than the plain one. */
  static final int OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

  private Aead() {}

  /** Seals under a random nonce. */
  static byte[] seal(byte[] key, byte[] plain, byte[] associatedData) {
    byte[] nonce = Randomness.bytes(NONCE_BYTES);
    byte[] sealed = new byte[plain.length + OVERHEAD_BYTES];
    System.arraycopy(nonce, 0, sealed, 0, NONCE_BYTES);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, sealed);
      cipher.updateAAD(associatedData);
      cipher.doFinal(plain, 0, plain.length, sealed, NONCE_BYTES);
      return sealed;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-256-GCM does not seal", e);
    }
  }

  /** Opens what was sealed; null if the key, the value or the associated data is another. */
  static byte @Nullable [] open(byte[] key, byte[] sealed, byte[] associatedData) {
    if (sealed.length < OVERHEAD_BYTES) {
      return null;
    }
    try {
      Cipher cipher = cipher(Cipher.DECRYPT_MODE, key, sealed);
      cipher.updateAAD(associatedData);
      return cipher.doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
    } catch (AEADBadTagException e) {
      return null;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-256-GCM does not open", e);
    }
  }

  static Cipher newCipher() {
    try {
      return Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform must have AES-GCM", e);
    }
  }

  private static Cipher cipher(int mode, byte[] key, byte[] nonceFirst)
      throws GeneralSecurityException {
    Cipher cipher = newCipher();
    GCMParameterSpec nonce = new GCMParameterSpec(8 * TAG_BYTES, nonceFirst, 0, NONCE_BYTES);
    cipher.init(mode, new SecretKeySpec(key, "AES"), nonce);
    return cipher;
  }
}
