package io.nbdvault.chunkstore.codec;

import java.util.Random;

/** Bytes to compress. */
final class TestBytes {
  private TestBytes() {}

  /** Bytes of some 4 bits of entropy. */
  static byte[] text(Random random, int length) {
    byte[] text = new byte[length];
    for (int i = 0; i < length; i++) {
      text[i] = (byte) ('a' + random.nextInt(16));
    }
    return text;
  }
}
