package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A collection that has begun to sweep. Family {@code default}, key {@code collection}. Whoever
 * finds one finishes that sweep.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 6  |0               |CRC32C          |
 *  8+--------+--------+----------------+----------------+
 *   |cutoff: rows of this epoch or later are kept       |
 * 16+---------------------------------------------------+
 *   |first ordinal that may not be swept                |
 * 24+---------------------------------+-----------------+
 *   |length of the file of marks      |its CRC32C       |
 *   +---------------------------------+-----------------+
 * </pre>
 *
 * <p>The checksum covers bytes 0 to 3, and bytes 8 to 31.
 *
 * @param cutoff epoch, from 1
 * @param endOrdinal from 1
 * @param marksLength bytes of the file {@code marks}; 0 if there was no room for it
 * @param marksChecksum CRC32C of that file
 */
public record CollectionRow(long cutoff, long endOrdinal, int marksLength, int marksChecksum) {
  /** Length of a row in bytes. */
  public static final int BYTES = 32;

  private static final int VERSION = 1;

  /** Checks the bounds given above. */
  public CollectionRow {
    if (cutoff < 1 || endOrdinal < 1 || marksLength < 0) {
      throw new IllegalArgumentException(
          "collection: cutoff " + cutoff + ", end " + endOrdinal + ", marks " + marksLength);
    }
  }

  /** The row's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) RecordType.COLLECTION.code()).putShort((short) 0);
    out.putInt(0).putLong(cutoff).putLong(endOrdinal).putInt(marksLength).putInt(marksChecksum);
    out.putInt(4, checksum(out.array()));
    return out.array();
  }

  /** Reads a row. */
  public static CollectionRow decode(byte[] row) throws MalformedRecordException {
    require(row.length == BYTES, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    require(row[0] == VERSION, 0, "version", Byte.toUnsignedInt(row[0]), VERSION);
    int code = RecordType.COLLECTION.code();
    require(row[1] == code, 1, "type", Byte.toUnsignedInt(row[1]), code);
    require(in.getShort(2) == 0, 2, "reserved bytes", in.getShort(2), "0");
    int crc = checksum(row);
    require(in.getInt(4) == crc, 4, "checksum", in.getInt(4), crc);
    require(in.getLong(8) >= 1, 8, "cutoff", in.getLong(8), ">= 1");
    require(in.getLong(16) >= 1, 16, "first ordinal not to sweep", in.getLong(16), ">= 1");
    require(in.getInt(24) >= 0, 24, "length of marks", in.getInt(24), ">= 0");
    return new CollectionRow(in.getLong(8), in.getLong(16), in.getInt(24), in.getInt(28));
  }

  private static int checksum(byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(row, 0, 4);
    crc.update(row, 8, BYTES - 8);
    return (int) crc.getValue();
  }
}
