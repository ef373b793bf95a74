package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.SnapshotId;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * How far a repository has come, in one of the two slots of the file {@code head}: the database may
 * be ahead of it, but never behind.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 7  |0               |CRC32C          |
 *  8+--------+--------+----------------+----------------+
 *   |repository id, 16 bytes                            |
 * 24+---------------------------------------------------+
 *   |commits                                            |
 * 32+---------------------------------------------------+
 *   |next ordinal                                       |
 *   +---------------------------------------------------+
 * </pre>
 *
 * <p>The checksum covers bytes 0 to 3, and bytes 8 to 39.
 *
 * @param repositoryId 32 lower-case hex digits
 * @param commits number of the last commit, from 1
 * @param nextOrdinal the first ordinal that was not leased then, from 1
 */
public record HeadSlot(String repositoryId, long commits, long nextOrdinal) {
  /** Length of a slot in bytes. */
  public static final int BYTES = 40;

  private static final int VERSION = 1;
  private static final int ID_OFFSET = 8;
  private static final int ID_BYTES = SnapshotId.BYTES;

  /** Checks the bounds given above. */
  public HeadSlot {
    if (repositoryId.length() != 2 * ID_BYTES || commits < 1 || nextOrdinal < 1) {
      throw new IllegalArgumentException(
          "head: repository " + repositoryId + ", commit " + commits + ", ordinal " + nextOrdinal);
    }
  }

  /** The slot's bytes. */
  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) RecordType.HEAD.code()).putShort((short) 0).putInt(0);
    out.put(HexFormat.of().parseHex(repositoryId)).putLong(commits).putLong(nextOrdinal);
    out.putInt(4, checksum(out.array()));
    return out.array();
  }

  /** Reads a slot. */
  public static HeadSlot decode(byte[] slot) throws MalformedRecordException {
    require(slot.length == BYTES, 0, "slot length", slot.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(slot);
    require(slot[0] == VERSION, 0, "version", Byte.toUnsignedInt(slot[0]), VERSION);
    int code = RecordType.HEAD.code();
    require(slot[1] == code, 1, "type", Byte.toUnsignedInt(slot[1]), code);
    require(in.getShort(2) == 0, 2, "reserved bytes", in.getShort(2), "0");
    int crc = checksum(slot);
    require(in.getInt(4) == crc, 4, "checksum", in.getInt(4), crc);
    require(in.getLong(24) >= 1, 24, "commits", in.getLong(24), ">= 1");
    require(in.getLong(32) >= 1, 32, "next ordinal", in.getLong(32), ">= 1");
    String id = HexFormat.of().formatHex(slot, ID_OFFSET, ID_OFFSET + ID_BYTES);
    return new HeadSlot(id, in.getLong(24), in.getLong(32));
  }

  private static int checksum(byte[] slot) {
    CRC32C crc = new CRC32C();
    crc.update(slot, 0, 4);
    crc.update(slot, ID_OFFSET, BYTES - ID_OFFSET);
    return (int) crc.getValue();
  }
}
