package io.nbdvault.chunkstore.rocksdb;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.nbdvault.chunkstore.OpenFilesException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.LongIterator;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileReader;
import org.rocksdb.SstFileReaderIterator;
import org.rocksdb.TableProperties;

/** A table that is read by itself, without the database that it belongs to. */
final class RepairTable implements AutoCloseable {
  private static final long READ_AHEAD_BYTES = 1 << 20;
  private static final long FILTER_CACHE_BYTES = 1 << 20;
  private static final byte[] HIGHEST = {-1, -1, -1, -1, -1, -1, -1, -1};

  static {
    NativeLibrary.load();
  }

  private final Options options = new Options();
  private final SstFileReader reader = new SstFileReader(options);

  private RepairTable() {}

  /**
   * Opens a table.
   *
   * @throws RocksDBException if its end, where it says what is in it, cannot be read
   * @throws OpenFilesException if this process may not open one more file: nothing is wrong then
   */
  static RepairTable open(Path file) throws RocksDBException, OpenFilesException {
    RepairTable table = new RepairTable();
    boolean opened = false;
    try {
      table.reader.open(file.toString());
      opened = true;
      return table;
    } catch (RocksDBException e) {
      if (StoreErrors.isOfOpenFiles(e)) {
        throw new OpenFilesException(file.toString(), e);
      }
      throw e;
    } finally {
      if (!opened) {
        table.close();
      }
    }
  }

  /** Reads a whole table and checks it. Returns what is wrong with it. */
  static Optional<String> damage(Path file) throws StoreException {
    try (RepairTable table = open(file)) {
      table.reader.verifyChecksum();
      // No other has a filter, and a collection checks many files.
      if (table.family().equals(Optional.of(Family.INDEX))) {
        checkFilter(file);
      }
      return Optional.empty();
    } catch (RocksDBException e) {
      return Optional.of(RocksText.brief(e.getMessage()));
    }
  }

  /**
   * Reads the parts of a table's filter. To verify checksums passes over them, and to open a table
   * reads them only if the kind of filter is known. Memory: the filter, 10 bits for each row.
   */
  private static void checkFilter(Path file) throws RocksDBException {
    try (BloomFilter filter = DatabaseOptions.newFilter();
        LRUCache cache = new LRUCache(FILTER_CACHE_BYTES);
        Options options = new Options();
        SstFileReader reader =
            new SstFileReader(
                options.setTableFormatConfig(
                    new BlockBasedTableConfig()
                        .setFilterPolicy(filter)
                        .setBlockCache(cache)
                        .setCacheIndexAndFilterBlocks(true)))) {
      reader.open(file.toString());
    }
  }

  /** How many rows a table has, those that are deleted not counted; empty if it does not say. */
  static OptionalLong rowCount(Path file) throws StoreException {
    try (RepairTable table = open(file)) {
      TableProperties properties = table.reader.getTableProperties();
      return OptionalLong.of(properties.getNumEntries() - properties.getNumDeletions());
    } catch (RocksDBException e) {
      return OptionalLong.empty();
    }
  }

  /** The family that it belongs to; empty if it does not say, or if there is none of that name. */
  Optional<Family> family() throws RocksDBException {
    byte[] name = reader.getTableProperties().getColumnFamilyName();
    return Arrays.stream(Family.values())
        .filter(family -> new String(name, US_ASCII).equals(family.nameInDatabase()))
        .findFirst();
  }

  /** How many rows it says that it has, without those that say that a row was deleted. */
  long rows() throws RocksDBException {
    TableProperties properties = reader.getTableProperties();
    return properties.getNumEntries() - properties.getNumDeletions();
  }

  /**
   * Shows the rows that can be read, in no order, some perhaps twice. Behind a block that cannot be
   * read, rows are found by asking for keys ever farther behind the last one, and those that lie
   * between two such blocks by asking for keys between.
   *
   * @return whether those are all
   */
  boolean forEachReadable(Database.RowVisitor visitor) throws StoreException {
    try (ReadOptions readOptions = new ReadOptions().setReadaheadSize(READ_AHEAD_BYTES);
        SstFileReaderIterator rows = reader.newIterator(readOptions)) {
      rows.seekToFirst();
      byte[] last = forward(rows, new byte[0], visitor);
      boolean all = last == null;
      while (last != null) {
        if (!seekBehind(rows, last)) {
          break;
        }
        byte[] reached = rows.key();
        byte[] lowest = backward(rows, last, visitor);
        searchBetween(last, lowest, visitor);
        rows.seek(reached);
        last = forward(rows, last, visitor);
      }
      if (last != null) {
        rows.seekToLast();
        byte[] lowest = backward(rows, last, visitor);
        searchBetween(last, lowest, visitor);
      }
      return all;
    }
  }

  /** Shows those of these records, from one to another, that are there and can be read. */
  void forEachOf(Roaring64Bitmap ordinals, long first, long last, Database.RowVisitor visitor)
      throws StoreException {
    try (ReadOptions readOptions = new ReadOptions();
        SstFileReaderIterator rows = reader.newIterator(readOptions)) {
      LongIterator wanted = ordinals.getLongIteratorFrom(first);
      while (wanted.hasNext()) {
        long ordinal = wanted.next();
        if (ordinal > last) {
          break;
        }
        byte[] key = OrdinalKey.of(ordinal);
        rows.seek(key);
        if (rows.isValid() && Arrays.equals(rows.key(), key)) {
          visitor.visit(key, rows.value());
        }
      }
    }
  }

  /** Without reading ahead: it jumps. */
  private void searchBetween(byte[] last, byte[] lowest, Database.RowVisitor visitor)
      throws StoreException {
    try (ReadOptions readOptions = new ReadOptions();
        SstFileReaderIterator rows = reader.newIterator(readOptions)) {
      new RepairGap(rows, visitor).search(prefix(last) + 1, prefix(lowest) - 1);
    }
  }

  /** Returns the last key before what cannot be read; null at the end of the table. */
  private static byte @Nullable [] forward(
      SstFileReaderIterator rows, byte[] from, Database.RowVisitor visitor) throws StoreException {
    byte[] last = from;
    for (; rows.isValid(); rows.next()) {
      last = rows.key();
      visitor.visit(last, rows.value());
    }
    return isWhole(rows) ? null : last;
  }

  /** Returns the first key behind what cannot be read, or the highest there may be. */
  private static byte[] backward(
      SstFileReaderIterator rows, byte[] downTo, Database.RowVisitor visitor)
      throws StoreException {
    byte[] lowest = HIGHEST;
    for (; rows.isValid() && Arrays.compareUnsigned(rows.key(), downTo) > 0; rows.prev()) {
      lowest = rows.key();
      visitor.visit(lowest, rows.value());
    }
    return lowest;
  }

  /** Moves to a row behind a key, past what cannot be read. */
  private static boolean seekBehind(SstFileReaderIterator rows, byte[] key) {
    long from = prefix(key);
    for (long step = 1; from + step > from; step *= 2) {
      rows.seek(ByteBuffer.allocate(Long.BYTES).putLong(from + step).array());
      if (rows.isValid()) {
        return true;
      }
      if (isWhole(rows)) {
        return false;
      }
    }
    return false;
  }

  /** The first 8 bytes of a key: of a record, its ordinal. */
  static long prefix(byte[] key) {
    return ByteBuffer.wrap(Arrays.copyOf(key, Long.BYTES)).getLong();
  }

  /** Whether an iterator that is not valid is at the end. */
  static boolean isWhole(SstFileReaderIterator rows) {
    try {
      rows.status();
      return true;
    } catch (RocksDBException e) {
      return false;
    }
  }

  @Override
  public void close() {
    reader.close();
    options.close();
  }
}
