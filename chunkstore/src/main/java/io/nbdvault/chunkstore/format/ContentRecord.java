package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.RepositoryOptions;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The header of a chunk's or a node's record. Family {@code chunk}, key: the ordinal, 8 bytes.
 *
 * <pre>
 *    0        1        2        3        4                8
 *   +--------+--------+--------+--------+----------------+
 *   |version |type    |codec   |0       |key epoch       |
 *   +--------+--------+--------+--------+----------------+
 *   |id, 32 bytes                                        |
 * 40+-----------------------------------+----------------+
 *   |plain length                       |payload length  |
 * 48+-----------------------------------+----------------+
 *   |CRC32C                             |payload ...
 *   +-----------------------------------+------
 * </pre>
 *
 * <p>The checksum covers the ordinal (8 bytes), then bytes 0 to 47, then the payload, so it is
 * checked without any key and a record under the wrong ordinal does not pass. With its own type, id
 * and lengths a record can be indexed again, or be read from a run of records, without the index.
 *
 * @param type {@link RecordType#CHUNK} or {@link RecordType#NODE}
 * @param codec how the payload is compressed
 * @param keyEpoch 0 if the payload is not encrypted, else the number of the key it is sealed under
 * @param id of the plain bytes, never {@link ChunkId#ZERO}
 * @param plainLength bytes when decompressed: 1 to {@link #PLAIN_LENGTH_MAX}
 * @param payloadLength bytes as stored: 1 to the plain length, and equal to it without compression;
 *     {@link #SEAL_BYTES} more if it is encrypted
 */
public record ContentRecord(
    RecordType type, Codec codec, int keyEpoch, ChunkId id, int plainLength, int payloadLength) {
  /** Length of the header, and so the offset of the payload. */
  public static final int HEADER_BYTES = 52;

  /** Most plain bytes in a record: those of the largest chunk. */
  public static final int PLAIN_LENGTH_MAX = RepositoryOptions.CHUNK_SIZE_BYTES_MAX;

  /** What encryption adds to a payload: 12 bytes of nonce before it and 16 of tag behind it. */
  public static final int SEAL_BYTES = 12 + 16;

  /** Most bytes of a record. */
  public static final int RECORD_LENGTH_MAX = HEADER_BYTES + PLAIN_LENGTH_MAX + SEAL_BYTES;

  private static final int VERSION = 1;
  private static final int CRC_OFFSET = 48;

  /** Checks the bounds given above. */
  public ContentRecord {
    if (type != RecordType.CHUNK && type != RecordType.NODE) {
      throw new IllegalArgumentException("type: " + type + " (expected: CHUNK or NODE)");
    }
    if (id.isZero()) {
      throw new IllegalArgumentException("id: " + id + " (expected: not the reserved id of zeros)");
    }
    if (plainLength < 1 || plainLength > PLAIN_LENGTH_MAX) {
      throw new IllegalArgumentException(
          "plain length: " + plainLength + " (expected: 1 to " + PLAIN_LENGTH_MAX + ")");
    }
    if (keyEpoch < 0) {
      throw new IllegalArgumentException("key epoch: " + keyEpoch + " (expected: >= 0)");
    }
    if (!payloadFits(codec, keyEpoch, plainLength, payloadLength)) {
      throw new IllegalArgumentException(
          "payload length: " + payloadLength + " (expected: what fits " + plainLength + ")");
    }
  }

  /** Length of the whole record in bytes. */
  public int recordLength() {
    return HEADER_BYTES + payloadLength;
  }

  /** Bytes of the payload without what encryption adds. */
  public int compressedLength() {
    return payloadLength - (keyEpoch == 0 ? 0 : SEAL_BYTES);
  }

  /** Writes the header, all but its checksum, at the start of the record. */
  public void writeTo(byte[] record) {
    ByteBuffer out = ByteBuffer.wrap(record, 0, CRC_OFFSET);
    out.put((byte) VERSION).put((byte) type.code()).put((byte) codec.code()).put((byte) 0);
    out.putInt(keyEpoch);
    id.writeTo(out);
    out.putInt(plainLength).putInt(payloadLength);
  }

  /** Writes the checksum into a record that is complete but for it, and fills the whole array. */
  public static void seal(byte[] record, long ordinal) {
    int crc = checksum(record, record.length, ordinal);
    ByteBuffer.wrap(record).putInt(CRC_OFFSET, crc);
  }

  /**
   * Reads and checks the header of the record in {@code record[0, length)}, and its checksum. What
   * it does not check is that the payload has the id.
   */
  public static ContentRecord decode(byte[] record, int length, long ordinal)
      throws MalformedRecordException {
    require(length >= HEADER_BYTES, 0, "record length", length, ">= " + HEADER_BYTES);
    ByteBuffer in = ByteBuffer.wrap(record, 0, length);
    int crc = in.getInt(CRC_OFFSET);
    int version = Byte.toUnsignedInt(in.get());
    require(version == VERSION, 0, "version", version, VERSION);
    int computed = checksum(record, length, ordinal);
    require(crc == computed, CRC_OFFSET, "checksum", crc, computed);
    RecordType type = RecordType.ofContent(Byte.toUnsignedInt(in.get()), 1);
    Codec codec = codec(Byte.toUnsignedInt(in.get()));
    int reserved = Byte.toUnsignedInt(in.get());
    require(reserved == 0, 3, "reserved byte", reserved, "0");
    int keyEpoch = in.getInt();
    require(keyEpoch >= 0, 4, "key epoch", keyEpoch, ">= 0");
    ChunkId id = ChunkId.fromBytes(record, in.position());
    require(!id.isZero(), 8, "id", 0, "not the reserved id of zeros");
    in.position(in.position() + ChunkId.BYTES);
    int plainLength = in.getInt();
    boolean inBounds = plainLength >= 1 && plainLength <= PLAIN_LENGTH_MAX;
    require(inBounds, 40, "plain length", plainLength, "1 to " + PLAIN_LENGTH_MAX);
    int payloadLength = in.getInt();
    boolean whole = payloadLength == length - HEADER_BYTES;
    require(whole, 44, "payload length", payloadLength, length - HEADER_BYTES);
    boolean fits = payloadFits(codec, keyEpoch, plainLength, payloadLength);
    require(fits, 44, "payload length", payloadLength, "what fits " + plainLength);
    return new ContentRecord(type, codec, keyEpoch, id, plainLength, payloadLength);
  }

  private static boolean payloadFits(
      Codec codec, int keyEpoch, int plainLength, int payloadLength) {
    int compressedLength = payloadLength - (keyEpoch == 0 ? 0 : SEAL_BYTES);
    return codec == Codec.NONE
        ? compressedLength == plainLength
        : compressedLength >= 1 && compressedLength <= plainLength;
  }

  private static Codec codec(int code) throws MalformedRecordException {
    for (Codec codec : Codec.values()) {
      if (codec.code() == code) {
        return codec;
      }
    }
    throw new MalformedRecordException(2, "codec: " + code + " (expected: 0 to 2)");
  }

  private static int checksum(byte[] record, int length, long ordinal) {
    CRC32C crc = new CRC32C();
    crc.update(OrdinalKey.of(ordinal));
    crc.update(record, 0, CRC_OFFSET);
    crc.update(record, HEADER_BYTES, length - HEADER_BYTES);
    return (int) crc.getValue();
  }
}
