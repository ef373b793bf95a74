package io.nbdvault.chunkstore.format;

import java.nio.ByteBuffer;

/**
 * The key of a record in family {@code chunk}: its ordinal, 8 bytes, big-endian, so that keys are
 * in the order of the ordinals. Ordinals begin at 1 and are signed, so never negative.
 */
public final class OrdinalKey {
  /** Length of a key in bytes. */
  public static final int BYTES = Long.BYTES;

  private OrdinalKey() {}

  /** The key of an ordinal. */
  public static byte[] of(long ordinal) {
    return ByteBuffer.allocate(BYTES).putLong(ordinal).array();
  }

  /** The ordinal of a key. */
  public static long decode(byte[] key) throws MalformedRecordException {
    MalformedRecordException.require(key.length == BYTES, 0, "key length", key.length, BYTES);
    return ByteBuffer.wrap(key).getLong();
  }
}
