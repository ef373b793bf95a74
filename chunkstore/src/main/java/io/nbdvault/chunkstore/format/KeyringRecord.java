package io.nbdvault.chunkstore.format;

import static io.nbdvault.chunkstore.format.MalformedRecordException.require;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The plain content of a keyring.
 *
 * <pre>
 *    0        1        2                4                8
 *   +--------+--------+----------------+----------------+
 *   |version |0                        |count           |
 *  8+--------+-------------------------+----------------+
 *   |master key, 32 bytes                               |
 * 40+---------------------------------------------------+
 *   |key of epoch 1, 32 bytes                           |
 * 72+---------------------------------------------------+
 *   |key of epoch 2 ...
 *   +--------
 * </pre>
 */
public final class KeyringRecord {
  /** Most epochs of keys. */
  public static final int EPOCHS_MAX = 256;

  private static final int VERSION = 1;
  private static final int MASTER_OFFSET = 8;
  private static final int EPOCHS_OFFSET = MASTER_OFFSET + KeysFile.KEY_BYTES;

  static final int BYTES_MIN = EPOCHS_OFFSET + KeysFile.KEY_BYTES;
  static final int BYTES_MAX = EPOCHS_OFFSET + EPOCHS_MAX * KeysFile.KEY_BYTES;

  private KeyringRecord() {}

  /**
   * The record's bytes.
   *
   * @param keys the master key, then those of the epochs from 1
   */
  public static byte[] encode(List<byte[]> keys) {
    ByteBuffer out = ByteBuffer.allocate(MASTER_OFFSET + keys.size() * KeysFile.KEY_BYTES);
    out.put((byte) VERSION).put(new byte[3]).putInt(keys.size() - 1);
    keys.forEach(out::put);
    return out.array();
  }

  /** Reads a record: the master key, then those of the epochs from 1. */
  public static List<byte[]> decode(byte[] record) throws MalformedRecordException {
    require(record.length >= BYTES_MIN, 0, "keyring length", record.length, ">= " + BYTES_MIN);
    ByteBuffer in = ByteBuffer.wrap(record);
    int head = in.getInt();
    require(head == VERSION << 24, 0, "version and reserved bytes", head, VERSION << 24);
    int count = in.getInt();
    boolean bounded = count >= 1 && count <= EPOCHS_MAX;
    require(bounded, 4, "count of epochs", count, "1 to " + EPOCHS_MAX);
    int length = EPOCHS_OFFSET + count * KeysFile.KEY_BYTES;
    require(record.length == length, 4, "keyring length", record.length, length);
    List<byte[]> keys = new ArrayList<>();
    for (int i = 0; i <= count; i++) {
      byte[] key = new byte[KeysFile.KEY_BYTES];
      in.get(key);
      keys.add(key);
    }
    return keys;
  }
}
