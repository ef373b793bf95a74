package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * A snapshot's record. Family {@code catalog}, key: the 16 bytes of the snapshot's id.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 3  |flags           |payload length  |
 *  8+--------+--------+----------------+----------------+
 *   |CRC32C                            |payload ...
 *   +----------------------------------+---------
 * </pre>
 *
 * <p>Flags: 1 sealed. The payload is JSON in UTF-8, or that sealed: 12 bytes of nonce, the
 * ciphertext, 16 bytes of tag. The checksum covers the id (16 bytes), then bytes 0 to 7, then the
 * payload, so it is checked without any key.
 */
public final class SnapshotFrame {
  /** Most bytes of JSON: a VM's configuration is some 100 KiB at the very most. */
  public static final int JSON_BYTES_MAX = 4 << 20;

  private static final int VERSION = 1;
  private static final int SEALED = 1;
  private static final int CRC_OFFSET = 8;
  private static final int PAYLOAD_OFFSET = 12;

  private SnapshotFrame() {}

  /** The key of a snapshot in the catalog. */
  public static byte[] key(SnapshotId id) {
    return HexFormat.of().parseHex(id.hex());
  }

  /** The record's bytes, in the clear. */
  public static byte[] encode(SnapshotRecord record) {
    return encode(record, SnapshotSeal.NONE);
  }

  /**
   * The record's bytes.
   *
   * @throws IllegalArgumentException if the JSON would be longer than {@link #JSON_BYTES_MAX}
   */
  public static byte[] encode(SnapshotRecord record, SnapshotSeal seal) {
    byte[] json = json(record);
    byte[] key = key(record.id());
    int length = json.length + sealBytes(seal);
    ByteBuffer out = ByteBuffer.allocate(PAYLOAD_OFFSET + length);
    out.put((byte) VERSION).put((byte) RecordType.SNAPSHOT.code());
    out.putShort((short) (seal.isSealing() ? SEALED : 0)).putInt(length).putInt(0);
    out.put(seal.seal(key, header(out.array()), json));
    out.putInt(CRC_OFFSET, checksum(key, out.array()));
    return out.array();
  }

  /**
   * Checks that a record can be encoded.
   *
   * @throws IllegalArgumentException if the JSON would be longer than {@link #JSON_BYTES_MAX}
   */
  public static void requireFits(SnapshotRecord record) {
    json(record);
  }

  private static byte[] json(SnapshotRecord record) {
    byte[] json = SnapshotJson.encode(record);
    if (json.length > JSON_BYTES_MAX) {
      throw new IllegalArgumentException(
          "snapshot record: " + json.length + " bytes (expected: <= " + JSON_BYTES_MAX + ")");
    }
    return json;
  }

  /** Reads a record in the clear that was found under a key. */
  public static SnapshotRecord decode(byte[] key, byte[] row) throws MalformedRecordException {
    return decode(key, row, SnapshotSeal.NONE);
  }

  /** Reads a record that was found under a key. */
  public static SnapshotRecord decode(byte[] key, byte[] row, SnapshotSeal seal)
      throws MalformedRecordException {
    check(key, row);
    int flags = ByteBuffer.wrap(row).getShort(2);
    require((flags == SEALED) == seal.isSealing(), 2, "flags", flags, "sealed or not, as all are");
    byte[] payload = Arrays.copyOfRange(row, PAYLOAD_OFFSET, row.length);
    byte[] json = seal.open(key, header(row), payload);
    SnapshotRecord record = SnapshotJson.decode(json, 0, json.length);
    if (!record.id().hex().equals(HexFormat.of().formatHex(key))) {
      throw new MalformedRecordException(
          PAYLOAD_OFFSET, "id: " + record.id() + " (expected: the key)");
    }
    return record;
  }

  /** Checks a record as far as that needs no key: its frame and its checksum. */
  public static void check(byte[] key, byte[] row) throws MalformedRecordException {
    require(key.length == SnapshotId.BYTES, 0, "key length", key.length, SnapshotId.BYTES);
    require(row.length >= PAYLOAD_OFFSET, 0, "record length", row.length, ">= " + PAYLOAD_OFFSET);
    ByteBuffer in = ByteBuffer.wrap(row);
    require(row[0] == VERSION, 0, "version", Byte.toUnsignedInt(row[0]), VERSION);
    int code = RecordType.SNAPSHOT.code();
    require(row[1] == code, 1, "type", Byte.toUnsignedInt(row[1]), code);
    int flags = Short.toUnsignedInt(in.getShort(2));
    require(flags == 0 || flags == SEALED, 2, "flags", flags, "0 or 1");
    int length = in.getInt(4);
    int max = JSON_BYTES_MAX + (flags == 0 ? 0 : ContentRecord.SEAL_BYTES);
    require(length >= 0 && length <= max, 4, "payload length", length, "0 to " + max);
    boolean whole = length == row.length - PAYLOAD_OFFSET;
    require(whole, 4, "payload length", length, row.length - PAYLOAD_OFFSET);
    int crc = checksum(key, row);
    require(in.getInt(CRC_OFFSET) == crc, CRC_OFFSET, "checksum", in.getInt(CRC_OFFSET), crc);
  }

  private static int sealBytes(SnapshotSeal seal) {
    return seal.isSealing() ? ContentRecord.SEAL_BYTES : 0;
  }

  private static byte[] header(byte[] row) {
    return Arrays.copyOf(row, CRC_OFFSET);
  }

  private static int checksum(byte[] key, byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(row, 0, CRC_OFFSET);
    crc.update(row, PAYLOAD_OFFSET, row.length - PAYLOAD_OFFSET);
    return (int) crc.getValue();
  }
}
