package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import java.nio.ByteBuffer;

/**
 * Where the content of an id lies. Family {@code index}, key: {@link IndexKey}.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |0       |flags           |plain length    |
 *  8+--------+--------+----------------+----------------+
 *   |ordinal                                            |
 * 16+---------------------------------------------------+
 *   |epoch                                              |
 *   +---------------------------------------------------+
 * </pre>
 *
 * <p>No flag is defined yet; a row with one is not understood, because a flag may mean that the
 * content is not to be trusted.
 *
 * @param ordinal key of the record in family {@code chunk}, from 1
 * @param plainLength bytes of the content when decompressed
 * @param epoch the store's logical time at which the row was written, from 1
 */
public record IndexRow(long ordinal, int plainLength, long epoch) {
  /** Length of a row in bytes. */
  public static final int BYTES = 24;

  private static final int VERSION = 1;

  /** The row's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) 0).putShort((short) 0).putInt(plainLength);
    return out.putLong(ordinal).putLong(epoch).array();
  }

  /** Reads a row. */
  public static IndexRow decode(byte[] row) throws MalformedRecordException {
    require(row.length == BYTES, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    int version = Byte.toUnsignedInt(in.get());
    require(version == VERSION, 0, "version", version, VERSION);
    int reserved = Byte.toUnsignedInt(in.get());
    require(reserved == 0, 1, "reserved byte", reserved, "0");
    int flags = Short.toUnsignedInt(in.getShort());
    require(flags == 0, 2, "flags", flags, "0");
    int plainLength = in.getInt();
    boolean inBounds = plainLength >= 1 && plainLength <= ContentRecord.PLAIN_LENGTH_MAX;
    require(inBounds, 4, "plain length", plainLength, "1 to " + ContentRecord.PLAIN_LENGTH_MAX);
    long ordinal = in.getLong();
    require(ordinal >= 1, 8, "ordinal", ordinal, ">= 1");
    long epoch = in.getLong();
    require(epoch >= 1, 16, "epoch", epoch, ">= 1");
    return new IndexRow(ordinal, plainLength, epoch);
  }
}
