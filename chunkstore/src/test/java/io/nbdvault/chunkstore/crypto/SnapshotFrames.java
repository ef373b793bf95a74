package io.nbdvault.chunkstore.crypto;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Makes the checksums of snapshot records that somebody has changed. */
final class SnapshotFrames {
  private SnapshotFrames() {}

  static void checksum(byte[] key, byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(row, 0, 8);
    crc.update(row, 12, row.length - 12);
    ByteBuffer.wrap(row).putInt(8, (int) crc.getValue());
  }
}
