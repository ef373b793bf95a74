package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.rocksdb.CompressionType;
import org.rocksdb.EnvOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileWriter;

/**
 * A table that takes the place of one that is damaged, so that the database can be opened. RocksDB
 * wants a table to have the size that its list of tables gives, and keys within the bounds that the
 * list gives. So a stand-in holds rows of zeros behind the first key, as many bytes as are needed;
 * whoever makes one deletes those rows from the database.
 */
final class RepairStandIn {
  private static final int VALUE_BYTES_MAX = 1 << 20;

  /** Each attempt corrects the one before by what its size was off: two are enough as a rule. */
  private static final int ATTEMPTS = 16;

  private final Path file;
  private final byte[] smallestKey;
  private final boolean singleKey;
  private final long sizeBytes;

  private RepairStandIn(Path file, byte[] smallestKey, boolean singleKey, long sizeBytes) {
    this.file = file;
    this.smallestKey = smallestKey;
    this.singleKey = singleKey;
    this.sizeBytes = sizeBytes;
  }

  /**
   * Writes a stand-in.
   *
   * @param smallestKey first key of the damaged table
   * @param largestKey its last key
   * @param sizeBytes what its size was
   * @return the keys of the rows that are in the stand-in
   */
  static List<byte[]> write(Path file, byte[] smallestKey, byte[] largestKey, long sizeBytes)
      throws StoreException {
    boolean singleKey = Arrays.equals(smallestKey, largestKey);
    return new RepairStandIn(file, smallestKey, singleKey, sizeBytes).write();
  }

  private List<byte[]> write() throws StoreException {
    try {
      for (int split = 0; split < ATTEMPTS; split++) {
        long valueBytes = Math.max(1, sizeBytes / 2);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
          List<byte[]> keys = write(valueBytes, VALUE_BYTES_MAX - split);
          long off = sizeBytes - Files.size(file);
          if (off == 0) {
            return keys;
          }
          valueBytes = Math.max(1, valueBytes + off);
        }
      }
    } catch (IOException | RocksDBException e) {
      throw new StoreFailedException("A stand-in for " + file + " cannot be written.", e);
    }
    throw new StoreFailedException(
        "No stand-in for " + file + " has its size, " + sizeBytes + " bytes.", null);
  }

  private List<byte[]> write(long valueBytes, int valueBytesMax)
      throws IOException, RocksDBException {
    Files.deleteIfExists(file);
    List<byte[]> keys = new ArrayList<>();
    try (EnvOptions environment = new EnvOptions();
        Options options = new Options().setCompressionType(CompressionType.NO_COMPRESSION);
        SstFileWriter writer = new SstFileWriter(environment, options)) {
      writer.open(file.toString());
      for (long rest = valueBytes; rest > 0; ) {
        int length = (int) (singleKey ? rest : Math.min(rest, valueBytesMax));
        byte[] key = key(keys.size());
        writer.put(key, new byte[length]);
        keys.add(key);
        rest -= length;
      }
      writer.finish();
    }
    return keys;
  }

  /** Behind the first key, and before any other that is not the first with something appended. */
  private byte[] key(int number) {
    return singleKey
        ? smallestKey
        : ByteBuffer.allocate(smallestKey.length + Integer.BYTES)
            .put(smallestKey)
            .putInt(number)
            .array();
  }
}
