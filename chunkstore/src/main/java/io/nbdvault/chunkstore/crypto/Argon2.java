package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.SlotParameters.Argon2id;
import io.nbdvault.chunkstore.key.Passphrase;

/**
 * Argon2id, version 0x13 (RFC 9106): a key of {@link #KEY_BYTES} bytes from a passphrase. Every
 * implementation gives the same key for the same parameters.
 */
sealed interface Argon2 permits NativeArgon2, JavaArgon2 {
  /** Length of the key in bytes. */
  int KEY_BYTES = 32;

  /** The key, in an array of its own. Takes {@link Argon2id#memoryKib} of memory meanwhile. */
  byte[] stretch(Argon2id parameters, Passphrase passphrase);

  /** The fastest that this machine has. */
  static Argon2 fastest() {
    return NativeArgon2.isAvailable() ? new NativeArgon2() : new JavaArgon2();
  }
}
