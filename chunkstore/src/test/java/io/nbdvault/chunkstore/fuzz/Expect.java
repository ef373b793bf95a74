package io.nbdvault.chunkstore.fuzz;

import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** What holds for every decoder. */
final class Expect {
  private Expect() {}

  /** A refusal is one sentence, with a place in the input. */
  static void sentence(MalformedRecordException refusal, int inputLength) {
    String message = refusal.getMessage();
    if (message == null || message.isBlank()) {
      throw new AssertionError("refused without a sentence", refusal);
    }
    if (refusal.offsetBytes() < 0 || refusal.offsetBytes() > Math.max(inputLength, 64)) {
      throw new AssertionError("refused at byte " + refusal.offsetBytes(), refusal);
    }
  }

  static void same(Object found, Object expected, String what) {
    if (!found.equals(expected)) {
      throw new AssertionError(what + ": " + found + " (expected: " + expected + ")");
    }
  }

  static void same(byte[] found, byte[] expected, String what) {
    if (!Arrays.equals(found, expected)) {
      throw new AssertionError(
          what + ": " + Arrays.toString(found) + " (expected: " + Arrays.toString(expected) + ")");
    }
  }

  /** All but the first byte, which chose what to do. */
  static byte[] rest(byte[] input) {
    return Arrays.copyOfRange(input, 1, input.length);
  }

  /**
   * Makes a checksum right, which a fuzzer would hardly guess: over the key, and over the row but
   * for the checksum.
   */
  static void seal(byte[] key, byte[] row, int checksumOffset) {
    if (row.length >= checksumOffset + Integer.BYTES) {
      CRC32C crc = new CRC32C();
      crc.update(key);
      crc.update(row, 0, checksumOffset);
      int behind = checksumOffset + Integer.BYTES;
      crc.update(row, behind, row.length - behind);
      ByteBuffer.wrap(row).putInt(checksumOffset, (int) crc.getValue());
    }
  }
}
