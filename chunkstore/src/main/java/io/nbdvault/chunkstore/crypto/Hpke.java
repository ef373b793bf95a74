package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.SlotParameters;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.Recipient;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.AsymmetricCipherKeyPair;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.hpke.HPKE;
import org.bouncycastle.crypto.params.X25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.X25519PublicKeyParameters;
import org.jspecify.annotations.Nullable;

/**
 * HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Sealed values
 * are the encapsulated key, then the ciphertext with its tag.
 */
final class Hpke {
  private static final byte[] INFO = "nbdvault recipient".getBytes(StandardCharsets.US_ASCII);

  private Hpke() {}

  /**
   * Seals for a recipient.
   *
   * @throws IllegalArgumentException if the public key is one of the few that yield no secret
   */
  static byte[] seal(Recipient recipient, byte[] plain, byte[] associatedData) {
    try {
      X25519PublicKeyParameters publicKey = new X25519PublicKeyParameters(recipient.bytes());
      byte[][] sealed = hpke().seal(publicKey, INFO, associatedData, plain, null, null, null);
      return ByteBuffer.allocate(sealed[0].length + sealed[1].length)
          .put(sealed[1])
          .put(sealed[0])
          .array();
    } catch (InvalidCipherTextException e) {
      throw new IllegalStateException("HPKE does not seal", e);
    } catch (IllegalStateException e) {
      throw new IllegalArgumentException("public key: nobody can have its private key", e);
    }
  }

  /** Opens what was sealed; null if the key, the value or the associated data is another. */
  static byte @Nullable [] open(PrivateKey key, byte[] sealed, byte[] associatedData) {
    X25519PrivateKeyParameters privateKey = new X25519PrivateKeyParameters(key.bytes());
    AsymmetricCipherKeyPair pair =
        new AsymmetricCipherKeyPair(privateKey.generatePublicKey(), privateKey);
    int split = SlotParameters.Hpke.ENCAPSULATED_BYTES;
    byte[] encapsulated = Arrays.copyOf(sealed, split);
    byte[] ciphertext = Arrays.copyOfRange(sealed, split, sealed.length);
    try {
      return hpke().open(encapsulated, pair, INFO, associatedData, ciphertext, null, null, null);
    } catch (InvalidCipherTextException | IllegalStateException e) {
      // The latter for an encapsulated key that yields no secret: not what we sealed.
      return null;
    }
  }

  private static HPKE hpke() {
    return new HPKE(
        HPKE.mode_base, HPKE.kem_X25519_SHA256, HPKE.kdf_HKDF_SHA256, HPKE.aead_AES_GCM256);
  }
}
