package io.nbdvault.engine.serve.overlay;

import io.nbdvault.chunkstore.SnapshotId;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * What an overlay lies over, as the first 4,096 bytes of its file say. Written once, before the
 * file has its name.
 *
 * <pre>
 *    0                                   4                 8
 *   +-----------------------------------------------------+
 *   |"nbdvover"                                           |
 *  8+-----------------------------------+-----------------+
 *   |version 1                          |cluster size     |
 * 16+-----------------------------------+-----------------+
 *   |size of the disk                                     |
 * 24+-----------------------------------------------------+
 *   |repository id, 16 bytes                              |
 * 40+-----------------------------------------------------+
 *   |snapshot id, 16 bytes                                |
 * 56+-----------------+-----------------+-----------------+
 *   |length of VM     |length of disk   |CRC32C           |
 * 64+-----------------+-----------------+-----------------+
 *   |name of the VM, then name of the disk, then zeroes ...
 *   +--------------------------------------------- 4096
 * </pre>
 *
 * @param repositoryId 32 lower-case hex digits
 * @param snapshot that is below
 * @param vm name of the VM
 * @param disk name of the disk
 * @param sizeBytes of the disk
 * @param clusterBytes what is taken over from below at once: the chunk size of the repository
 */
public record OverlayHeader(
    String repositoryId,
    SnapshotId snapshot,
    String vm,
    String disk,
    long sizeBytes,
    int clusterBytes) {
  static final int BYTES = 4096;

  private static final long MAGIC = 0x6e6264766f766572L; // "nbdvover"
  private static final int VERSION = 1;
  private static final int CRC_OFFSET = 60;
  private static final int NAMES_OFFSET = 64;
  private static final int ID_BYTES = 16;
  private static final int CLUSTER_BYTES_MAX = 4 << 20;

  public OverlayHeader {
    check("repositoryId", repositoryId, repositoryId.matches("[0-9a-f]{32}"));
    check("sizeBytes", sizeBytes, sizeBytes >= 0 && sizeBytes <= 1L << 60);
    check(
        "clusterBytes",
        clusterBytes,
        clusterBytes >= 512
            && clusterBytes <= CLUSTER_BYTES_MAX
            && Integer.bitCount(clusterBytes) == 1);
    int names = bytesOf(vm).length + bytesOf(disk).length;
    check("names", names, !vm.isEmpty() && !disk.isEmpty() && names <= BYTES - NAMES_OFFSET);
  }

  private static void check(String name, Object value, boolean holds) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: as documented)");
    }
  }

  private static byte[] bytesOf(String name) {
    return name.getBytes(StandardCharsets.UTF_8);
  }

  byte[] encode() {
    byte[] vmBytes = bytesOf(vm);
    byte[] diskBytes = bytesOf(disk);
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.putLong(MAGIC).putInt(VERSION).putInt(clusterBytes).putLong(sizeBytes);
    out.put(HexFormat.of().parseHex(repositoryId));
    out.put(HexFormat.of().parseHex(snapshot.hex()));
    out.putShort((short) vmBytes.length).putShort((short) diskBytes.length);
    out.position(NAMES_OFFSET);
    out.put(vmBytes).put(diskBytes);
    out.putInt(CRC_OFFSET, crc(out.array()));
    return out.array();
  }

  /**
   * Reads a header.
   *
   * @throws DamagedOverlayException if it is none, or is damaged, or of a newer version
   */
  static OverlayHeader decode(byte[] bytes) throws DamagedOverlayException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    require(bytes.length == BYTES && in.getLong() == MAGIC, "it is not an overlay of nbdvault");
    int version = in.getInt();
    require(version == VERSION, "its version is " + version + " (expected: " + VERSION + ")");
    require(in.getInt(CRC_OFFSET) == crc(bytes), "its header is damaged");
    int clusterBytes = in.getInt();
    long sizeBytes = in.getLong();
    String repositoryId = hex(in);
    String snapshot = hex(in);
    int vmLength = Short.toUnsignedInt(in.getShort());
    int diskLength = Short.toUnsignedInt(in.getShort());
    require(vmLength + diskLength <= BYTES - NAMES_OFFSET, "its names are too long");
    int diskOffset = NAMES_OFFSET + vmLength;
    try {
      return new OverlayHeader(
          repositoryId,
          new SnapshotId(snapshot),
          text(bytes, NAMES_OFFSET, vmLength),
          text(bytes, diskOffset, diskLength),
          sizeBytes,
          clusterBytes);
    } catch (IllegalArgumentException | CharacterCodingException e) {
      throw new DamagedOverlayException("its header makes no sense: " + e.getMessage(), e);
    }
  }

  private static void require(boolean holds, String otherwise) throws DamagedOverlayException {
    if (!holds) {
      throw new DamagedOverlayException(otherwise);
    }
  }

  private static String hex(ByteBuffer in) {
    byte[] id = new byte[ID_BYTES];
    in.get(id);
    return HexFormat.of().formatHex(id);
  }

  private static String text(byte[] bytes, int offset, int length) throws CharacterCodingException {
    ByteBuffer part = ByteBuffer.wrap(bytes, offset, length);
    return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
  }

  private static int crc(byte[] bytes) {
    byte[] zeroed = Arrays.copyOf(bytes, bytes.length);
    Arrays.fill(zeroed, CRC_OFFSET, NAMES_OFFSET, (byte) 0);
    CRC32C crc = new CRC32C();
    crc.update(zeroed);
    return (int) crc.getValue();
  }
}
