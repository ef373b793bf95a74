package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

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
 *   |record length                    |CRC32C           |
 *   +---------------------------------+-----------------+
 * </pre>
 *
 * <p>The checksum covers bytes 0 to 27: a collection relies on the epoch, which nothing else would
 * tell from a wrong one. Version 1 ended at byte 24 and had neither flags nor a checksum. A row
 * with a flag that is not known is not understood, because it may mean that the content is not to
 * be trusted.
 *
 * @param ordinal key of the record in family {@code chunk}, from 1 to {@link #ORDINAL_MAX}
 * @param plainLength bytes of the content when decompressed
 * @param epoch the store's logical time at which the row was written or last relied on, from 1 to
 *     {@link #EPOCH_MAX}
 * @param recordLength bytes of the record, header included; 0 if not known: in rows of version 1
 * @param damaged whether the record was found damaged or missing; then the content is as good as
 *     absent until somebody puts it again
 */
public record IndexRow(
    long ordinal, int plainLength, long epoch, int recordLength, boolean damaged) {
  /** Length of a row in bytes. */
  public static final int BYTES = 32;

  /** No store lives to see more epochs: a thousand a second for 8,900 years. */
  public static final long EPOCH_MAX = 1L << 48;

  /** Last ordinal; so far from the end of the numbers that the next lease can be told. */
  public static final long ORDINAL_MAX = 1L << 62;

  private static final int BYTES_V1 = 24;
  private static final int ORDINAL_OFFSET = 8;
  private static final int CHECKSUM_OFFSET = 28;
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
    out.putInt(checksum(out.array()));
    return out.array();
  }

  /** Reads a row, or returns null if it is damaged. */
  public static @Nullable IndexRow ifWhole(byte[] row) {
    try {
      return decode(row);
    } catch (MalformedRecordException e) {
      return null;
    }
  }

  /** The ordinal that a damaged row still names, for what that is worth. */
  public static OptionalLong ordinalOfDamaged(byte[] row) {
    return row.length < ORDINAL_OFFSET + Long.BYTES
        ? OptionalLong.empty()
        : OptionalLong.of(ByteBuffer.wrap(row).getLong(ORDINAL_OFFSET));
  }

  /** Reads a row. */
  public static IndexRow decode(byte[] row) throws MalformedRecordException {
    require(row.length >= 1, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    int version = Byte.toUnsignedInt(in.get());
    require(version == VERSION_1 || version == VERSION, 0, "version", version, "1 or 2");
    int length = version == VERSION_1 ? BYTES_V1 : BYTES;
    require(row.length == length, 0, "row length", row.length, length);
    if (version == VERSION) {
      int crc = checksum(row);
      int found = in.getInt(CHECKSUM_OFFSET);
      require(found == crc, CHECKSUM_OFFSET, "checksum", found, crc);
    }
    int reserved = Byte.toUnsignedInt(in.get());
    require(reserved == 0, 1, "reserved byte", reserved, "0");
    int flags = Short.toUnsignedInt(in.getShort());
    int known = version == VERSION_1 ? 0 : FLAG_DAMAGED;
    require((flags & ~known) == 0, 2, "flags", flags, "0 to " + known);
    int plainLength = in.getInt();
    boolean inBounds = plainLength >= 1 && plainLength <= ContentRecord.PLAIN_LENGTH_MAX;
    require(inBounds, 4, "plain length", plainLength, "1 to " + ContentRecord.PLAIN_LENGTH_MAX);
    long ordinal = in.getLong();
    boolean isOrdinal = ordinal >= 1 && ordinal <= ORDINAL_MAX;
    require(isOrdinal, ORDINAL_OFFSET, "ordinal", ordinal, "1 to " + ORDINAL_MAX);
    long epoch = in.getLong();
    require(epoch >= 1 && epoch <= EPOCH_MAX, 16, "epoch", epoch, "1 to " + EPOCH_MAX);
    int recordLength = version == VERSION_1 ? 0 : in.getInt();
    boolean fits = recordLength >= 0 && recordLength <= ContentRecord.RECORD_LENGTH_MAX;
    require(fits, 24, "record length", recordLength, "0 to " + ContentRecord.RECORD_LENGTH_MAX);
    return new IndexRow(ordinal, plainLength, epoch, recordLength, flags == FLAG_DAMAGED);
  }

  private static int checksum(byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(row, 0, CHECKSUM_OFFSET);
    return (int) crc.getValue();
  }
}
