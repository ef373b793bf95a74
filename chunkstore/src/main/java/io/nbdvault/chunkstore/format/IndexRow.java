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
 * 24+---------------------------------+-----------------+
 *   |record length                    |
 *   +---------------------------------+
 * </pre>
 *
 * <p>Version 1 ended at byte 24 and had no flags. A row with a flag that is not known is not
 * understood, because it may mean that the content is not to be trusted.
 *
 * @param ordinal key of the record in family {@code chunk}, from 1
 * @param plainLength bytes of the content when decompressed
 * @param epoch the store's logical time at which the row was written or last relied on, from 1
 * @param recordLength bytes of the record, header included; 0 if not known: in rows of version 1
 * @param damaged whether the record was found damaged or missing; then the content is as good as
 *     absent until somebody puts it again
 */
public record IndexRow(
    long ordinal, int plainLength, long epoch, int recordLength, boolean damaged) {
  /** Length of a row in bytes. */
  public static final int BYTES = 28;

  private static final int BYTES_V1 = 24;
  private static final int VERSION_1 = 1;
  private static final int VERSION = 2;
  private static final int FLAG_DAMAGED = 1;

  /** The row with a later epoch. */
  public IndexRow withEpoch(long newEpoch) {
    return new IndexRow(ordinal, plainLength, newEpoch, recordLength, damaged);
  }

  /** The row of the same content whose record is damaged. */
  public IndexRow asDamaged() {
    return new IndexRow(ordinal, plainLength, epoch, recordLength, true);
  }

  /** The row's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) 0).putShort((short) (damaged ? FLAG_DAMAGED : 0));
    out.putInt(plainLength).putLong(ordinal).putLong(epoch).putInt(recordLength);
    return out.array();
  }

  /** Reads a row. */
  public static IndexRow decode(byte[] row) throws MalformedRecordException {
    require(row.length >= 1, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    int version = Byte.toUnsignedInt(in.get());
    require(version == VERSION_1 || version == VERSION, 0, "version", version, "1 or 2");
    int length = version == VERSION_1 ? BYTES_V1 : BYTES;
    require(row.length == length, 0, "row length", row.length, length);
    int reserved = Byte.toUnsignedInt(in.get());
    require(reserved == 0, 1, "reserved byte", reserved, "0");
    int flags = Short.toUnsignedInt(in.getShort());
    int known = version == VERSION_1 ? 0 : FLAG_DAMAGED;
    require((flags & ~known) == 0, 2, "flags", flags, "0 to " + known);
    int plainLength = in.getInt();
    boolean inBounds = plainLength >= 1 && plainLength <= ContentRecord.PLAIN_LENGTH_MAX;
    require(inBounds, 4, "plain length", plainLength, "1 to " + ContentRecord.PLAIN_LENGTH_MAX);
    long ordinal = in.getLong();
    require(ordinal >= 1, 8, "ordinal", ordinal, ">= 1");
    long epoch = in.getLong();
    require(epoch >= 1, 16, "epoch", epoch, ">= 1");
    int recordLength = version == VERSION_1 ? 0 : in.getInt();
    boolean fits = recordLength >= 0 && recordLength <= ContentRecord.RECORD_LENGTH_MAX;
    require(fits, 24, "record length", recordLength, "0 to " + ContentRecord.RECORD_LENGTH_MAX);
    return new IndexRow(ordinal, plainLength, epoch, recordLength, flags == FLAG_DAMAGED);
  }
}
