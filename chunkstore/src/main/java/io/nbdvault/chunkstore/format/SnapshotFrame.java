package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * A snapshot's record. Family {@code catalog}, key: the 16 bytes of the snapshot's id.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 3  |0               |JSON length     |
 *  8+--------+--------+----------------+----------------+
 *   |CRC32C                            |JSON, UTF-8 ...
 *   +----------------------------------+---------
 * </pre>
 *
 * <p>The checksum covers the id (16 bytes), then bytes 0 to 7, then the JSON.
 */
public final class SnapshotFrame {
  /** Most bytes of JSON: a VM's configuration is some 100 KiB at the very most. */
  public static final int JSON_BYTES_MAX = 4 << 20;

  private static final int VERSION = 1;
  private static final int JSON_OFFSET = 12;

  private SnapshotFrame() {}

  /** The key of a snapshot in the catalog. */
  public static byte[] key(SnapshotId id) {
    return HexFormat.of().parseHex(id.hex());
  }

  /**
   * The record's bytes.
   *
   * @throws IllegalArgumentException if the JSON would be longer than {@link #JSON_BYTES_MAX}
   */
  public static byte[] encode(SnapshotRecord record) {
    byte[] json = SnapshotJson.encode(record);
    if (json.length > JSON_BYTES_MAX) {
      throw new IllegalArgumentException(
          "snapshot record: " + json.length + " bytes (expected: <= " + JSON_BYTES_MAX + ")");
    }
    ByteBuffer out = ByteBuffer.allocate(JSON_OFFSET + json.length);
    out.put((byte) VERSION).put((byte) RecordType.SNAPSHOT.code()).putShort((short) 0);
    out.putInt(json.length).putInt(0).put(json);
    out.putInt(8, checksum(key(record.id()), out.array()));
    return out.array();
  }

  /** Reads a record that was found under a key. */
  public static SnapshotRecord decode(byte[] key, byte[] row) throws MalformedRecordException {
    check(key, row);
    SnapshotRecord record = SnapshotJson.decode(row, JSON_OFFSET, row.length - JSON_OFFSET);
    if (!record.id().hex().equals(HexFormat.of().formatHex(key))) {
      throw new MalformedRecordException(
          JSON_OFFSET, "id: " + record.id() + " (expected: the key)");
    }
    return record;
  }

  /** Checks a record as far as that needs no key: its frame and its checksum. */
  public static void check(byte[] key, byte[] row) throws MalformedRecordException {
    require(key.length == SnapshotId.BYTES, 0, "key length", key.length, SnapshotId.BYTES);
    require(row.length >= JSON_OFFSET, 0, "record length", row.length, ">= " + JSON_OFFSET);
    ByteBuffer in = ByteBuffer.wrap(row);
    require(row[0] == VERSION, 0, "version", Byte.toUnsignedInt(row[0]), VERSION);
    int code = RecordType.SNAPSHOT.code();
    require(row[1] == code, 1, "type", Byte.toUnsignedInt(row[1]), code);
    require(in.getShort(2) == 0, 2, "reserved bytes", in.getShort(2), "0");
    int length = in.getInt(4);
    boolean bounded = length >= 0 && length <= JSON_BYTES_MAX;
    require(bounded, 4, "JSON length", length, "0 to " + JSON_BYTES_MAX);
    boolean whole = length == row.length - JSON_OFFSET;
    require(whole, 4, "JSON length", length, row.length - JSON_OFFSET);
    int crc = checksum(key, row);
    require(in.getInt(8) == crc, 8, "checksum", in.getInt(8), crc);
  }

  private static int checksum(byte[] key, byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(row, 0, 8);
    crc.update(row, JSON_OFFSET, row.length - JSON_OFFSET);
    return (int) crc.getValue();
  }
}
