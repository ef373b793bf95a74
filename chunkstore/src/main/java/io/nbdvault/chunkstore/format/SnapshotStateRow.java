package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What was decided about a snapshot after it was committed. Family {@code catalog}, key: the 16
 * bytes of the snapshot's id, then a byte 1, so that it follows the snapshot's record. A snapshot
 * without such a row is neither protected nor forgotten.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |type 5  |flags           |CRC32C          |
 *  8+--------+--------+----------------+----------------+
 *   |forgotten: seconds since 1970                      |
 *   +---------------------------------------------------+
 * </pre>
 *
 * <p>Flags: 1 protected, 2 forgotten, 4 condemned. The checksum covers the key, bytes 0 to 3, and
 * bytes 8 to 15.
 */
public final class SnapshotStateRow {
  /** Length of a key in bytes. */
  public static final int KEY_BYTES = SnapshotId.BYTES + 1;

  /** Length of a row in bytes. */
  public static final int BYTES = 16;

  private static final byte KEY_END = 1;
  private static final int VERSION = 1;
  private static final int PROTECTED = 1;
  private static final int FORGOTTEN = 2;
  private static final int CONDEMNED = 4;

  private SnapshotStateRow() {}

  /** The key of a snapshot's state in the catalog. */
  public static byte[] key(SnapshotId id) {
    byte[] key = Arrays.copyOf(SnapshotFrame.key(id), KEY_BYTES);
    key[SnapshotId.BYTES] = KEY_END;
    return key;
  }

  /** The snapshot that a state's key is of. */
  public static SnapshotId idOf(byte[] key) throws MalformedRecordException {
    require(key.length == KEY_BYTES, 0, "key length", key.length, KEY_BYTES);
    int end = Byte.toUnsignedInt(key[SnapshotId.BYTES]);
    require(end == KEY_END, SnapshotId.BYTES, "last byte of the key", end, KEY_END);
    return new SnapshotId(HexFormat.of().formatHex(key, 0, SnapshotId.BYTES));
  }

  /** The row's bytes. */
  public static byte[] encode(SnapshotId id, SnapshotState state) {
    int flags =
        (state.isProtected() ? PROTECTED : 0)
            | (state.forgotten().isPresent() ? FORGOTTEN : 0)
            | (state.condemned() ? CONDEMNED : 0);
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.put((byte) VERSION).put((byte) RecordType.SNAPSHOT_STATE.code()).putShort((short) flags);
    out.putInt(0).putLong(state.forgotten().map(Instant::getEpochSecond).orElse(0L));
    out.putInt(4, checksum(key(id), out.array()));
    return out.array();
  }

  /** Reads a row that was found under a key. */
  public static SnapshotState decode(byte[] key, byte[] row) throws MalformedRecordException {
    require(row.length == BYTES, 0, "row length", row.length, BYTES);
    ByteBuffer in = ByteBuffer.wrap(row);
    require(row[0] == VERSION, 0, "version", Byte.toUnsignedInt(row[0]), VERSION);
    int code = RecordType.SNAPSHOT_STATE.code();
    require(row[1] == code, 1, "type", Byte.toUnsignedInt(row[1]), code);
    int crc = checksum(key, row);
    require(in.getInt(4) == crc, 4, "checksum", in.getInt(4), crc);
    int flags = Short.toUnsignedInt(in.getShort(2));
    require(flags <= (PROTECTED | FORGOTTEN | CONDEMNED), 2, "flags", flags, "0 to 7");
    boolean forgotten = (flags & FORGOTTEN) != 0;
    long seconds = in.getLong(8);
    boolean inBounds = seconds >= 0 && seconds <= Instant.MAX.getEpochSecond();
    require(inBounds && (forgotten || seconds == 0), 8, "time", seconds, "a time if forgotten");
    try {
      return new SnapshotState(
          (flags & PROTECTED) != 0,
          forgotten ? Optional.of(Instant.ofEpochSecond(seconds)) : Optional.empty(),
          (flags & CONDEMNED) != 0);
    } catch (IllegalArgumentException e) {
      throw new MalformedRecordException(2, "flags", e);
    }
  }

  private static int checksum(byte[] key, byte[] row) {
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(row, 0, 4);
    crc.update(row, 8, 8);
    return (int) crc.getValue();
  }
}
