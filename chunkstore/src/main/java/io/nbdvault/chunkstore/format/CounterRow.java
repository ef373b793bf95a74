package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A counter of the store. Family {@code default}, key: the counter's name in ASCII.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 4  |0               |CRC32C          |
 *  8+--------+--------+----------------+----------------+
 *   |value                                              |
 *   +---------------------------------------------------+
 * </pre>
 *
 * <p>The checksum covers the name, then bytes 0 to 3, then the value.
 */
public final class CounterRow {
  /** Length of a row in bytes. */
  public static final int BYTES = 16;

  private static final int VERSION = 1;

  private CounterRow() {}

  /** A counter's row. */
  public static byte[] encode(byte[] name, long value) {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) RecordType.COUNTER.code()).putShort((short) 0);
    out.putInt(0).putLong(value);
    out.putInt(4, checksum(name, out.array()));
    return out.array();
  }

  /** Reads a counter's row: its value, at least 1. */
  public static long decode(byte[] name, byte[] row) throws MalformedRecordException {
    require(row.length == BYTES, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    require(row[0] == VERSION, 0, "version", Byte.toUnsignedInt(row[0]), VERSION);
    int code = RecordType.COUNTER.code();
    require(row[1] == code, 1, "type", Byte.toUnsignedInt(row[1]), code);
    require(in.getShort(2) == 0, 2, "reserved bytes", in.getShort(2), "0");
    int crc = checksum(name, row);
    require(in.getInt(4) == crc, 4, "checksum", in.getInt(4), crc);
    long value = in.getLong(8);
    require(value >= 1, 8, "value", value, ">= 1");
    return value;
  }

  private static int checksum(byte[] name, byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(name);
    crc.update(row, 0, 4);
    crc.update(row, 8, 8);
    return (int) crc.getValue();
  }
}
