package io.nbdvault.chunkstore.crypto;

import java.security.SecureRandom;

/** The platform's source of randomness. */
final class Randomness {
  private static final SecureRandom RANDOM = new SecureRandom();

  private Randomness() {}

  static void fill(byte[] bytes) {
    RANDOM.nextBytes(bytes);
  }

  static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    RANDOM.nextBytes(bytes);
    return bytes;
  }
}
