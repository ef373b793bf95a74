package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DirectIo;
import io.nbdvault.chunkstore.StoreException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.FlushOptions;
import org.rocksdb.LiveFileMetaData;
import org.rocksdb.MutableColumnFamilyOptions;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.WriteOptions;

/**
 * The one owner of the native handles of a database: it opens them, and closes them in reverse.
 *
 * <p>Closing while a call is in native code would crash the process, so every call holds the read
 * side of {@link #lifecycle} and closing takes the write side. It is the innermost of the store's
 * locks: nothing is called back while it is held, but for the visitor of {@link #forEach}.
 */
final class Database implements AutoCloseable {
  /** Is shown the rows of a family. */
  @FunctionalInterface
  interface RowVisitor {
    void visit(byte[] key, byte[] value) throws StoreException;
  }

  /**
   * Some rows, copied out of the database.
   *
   * @param keys the keys, in their order
   * @param values the values
   */
  record Rows(List<byte[]> keys, List<byte[]> values) {
    int count() {
      return keys.size();
    }

    byte[] key(int index) {
      return keys.get(index);
    }

    byte[] value(int index) {
      return values.get(index);
    }
  }

  /**
   * A file of a family.
   *
   * @param name with a slash before it
   * @param level 0 for those that may overlap others
   * @param smallestPrefix the first 8 bytes of its first key: in family chunk, the ordinal
   * @param largestPrefix the first 8 bytes of its last key
   * @param sizeBytes of the file
   */
  record Table(String name, int level, long smallestPrefix, long largestPrefix, long sizeBytes) {}

  /** Is told before anything is changed on disk, so that a test can end the process there. */
  static volatile Runnable beforeChange = () -> {};

  /** Is told before all files are listed, so that a test can count it: it takes long for many. */
  static volatile Runnable beforeListing = () -> {};

  static {
    NativeLibrary.load();
  }

  /** What {@link #get(Family, byte[], byte[])} returns for a row that is not there. */
  static final int NOT_FOUND = RocksDB.NOT_FOUND;

  private static final long READ_AHEAD_BYTES = 1 << 20;

  private final String location;
  private final DatabaseOptions options;
  private final RocksDB db;
  private final List<ColumnFamilyHandle> families;
  private final Map<Family, ColumnFamilyHandle> handles = new EnumMap<>(Family.class);
  private final ReadOptions readOptions = new ReadOptions();
  private final ReadOptions readOnceOptions = new ReadOptions().setFillCache(false);
  private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
  private final FlushOptions flushOptions = new FlushOptions().setWaitForFlush(true);
  private final ReentrantReadWriteLock lifecycle = new ReentrantReadWriteLock();
  private final Compactions compactions;
  private boolean closed;

  private Database(
      String location, DatabaseOptions options, RocksDB db, List<ColumnFamilyHandle> families) {
    this.location = location;
    this.options = options;
    this.db = db;
    this.families = families;
    this.compactions = new Compactions(location, options);
    for (Family family : Family.values()) {
      handles.put(family, families.get(handles.size()));
    }
  }

  static Database open(String location, Path dir, DatabaseAccess access) throws StoreException {
    if (access.opensAll()) {
      OpenFiles.requireForAllOf(dir, location);
    }
    DatabaseOptions options =
        new DatabaseOptions(access, !access.isReadOnly() && DirectIo.worksIn(dir));
    List<ColumnFamilyHandle> families = new ArrayList<>();
    try {
      RocksDB db =
          access.isReadOnly()
              ? RocksDB.openReadOnly(
                  options.database(), dir.toString(), options.families(), families)
              : RocksDB.open(options.database(), dir.toString(), options.families(), families);
      return new Database(location, options, db, families);
    } catch (RocksDBException e) {
      options.close();
      throw StoreErrors.ofOpening(location, e);
    }
  }

  /** The value of a row, or null. */
  byte @Nullable [] get(Family family, byte[] key) throws StoreException {
    enter();
    try {
      return db.get(handle(family), readOptions, key);
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "reading family " + family, e);
    } finally {
      exit();
    }
  }

  /**
   * Reads a value into an array, as far as it fits.
   *
   * @return the value's length, which may be more than the array's, or {@link #NOT_FOUND}
   */
  int get(Family family, byte[] key, byte[] destination) throws StoreException {
    return get(family, readOptions, key, destination);
  }

  /** As above, of what is not read again soon: pushes nothing out of the cache. */
  int getOnce(Family family, byte[] key, byte[] destination) throws StoreException {
    return get(family, readOnceOptions, key, destination);
  }

  private int get(Family family, ReadOptions how, byte[] key, byte[] destination)
      throws StoreException {
    enter();
    try {
      return db.get(handle(family), how, key, destination);
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "reading family " + family, e);
    } finally {
      exit();
    }
  }

  /** Shows every row of a family in the order of the keys. The visitor must not call the store. */
  void forEach(Family family, RowVisitor visitor) throws StoreException {
    enter();
    try (RocksIterator rows = db.newIterator(handle(family), readOptions)) {
      for (rows.seekToFirst(); rows.isValid(); rows.next()) {
        visitor.visit(rows.key(), rows.value());
      }
      rows.status();
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "reading family " + family, e);
    } finally {
      exit();
    }
  }

  /**
   * The rows of a family from one key up to, and without, another: at most so many. What is written
   * meanwhile is not among them.
   */
  Rows rows(Family family, byte[] from, byte[] end, int countMax) throws StoreException {
    Rows found = new Rows(new ArrayList<>(), new ArrayList<>());
    enter();
    try (Slice bound = new Slice(end);
        ReadOptions options = new ReadOptions().setIterateUpperBound(bound);
        RocksIterator rows = db.newIterator(handle(family), options)) {
      for (rows.seek(from); rows.isValid() && found.count() < countMax; rows.next()) {
        found.keys().add(rows.key());
        found.values().add(rows.value());
      }
      rows.status();
      return found;
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "reading family " + family, e);
    } finally {
      exit();
    }
  }

  /** The files of a family, in no order. What is in memory only is in none. */
  List<Table> tables(Family family) {
    enter();
    try {
      beforeListing.run();
      return db.getLiveFilesMetaData().stream()
          .filter(file -> Arrays.equals(file.columnFamilyName(), family.nameBytes()))
          .map(
              file ->
                  new Table(
                      file.fileName(),
                      file.level(),
                      prefix(file.smallestKey()),
                      prefix(file.largestKey()),
                      file.size()))
          .toList();
    } finally {
      exit();
    }
  }

  /** Size of the largest file of a family. */
  long largestTableBytes(Family family) {
    return tables(family).stream().mapToLong(Table::sizeBytes).max().orElse(0);
  }

  private static long prefix(byte[] key) {
    return ByteBuffer.wrap(Arrays.copyOf(key, Long.BYTES)).getLong();
  }

  /**
   * Drops the files of a family that hold nothing but keys of one of some ranges. Does not look at
   * what is in memory or in files of level 0.
   *
   * @param ranges the first key of each, then its last; both are of it
   */
  void dropTables(Family family, List<byte[]> ranges) throws StoreException {
    enter();
    try {
      beforeChange.run();
      db.deleteFilesInRanges(handle(family), ranges, true);
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "dropping files", e);
    } finally {
      exit();
    }
  }

  /** Limits what is written to files by anybody, a second, until it is told otherwise. */
  void limitWrites(OptionalLong bytesPerSecond) {
    enter();
    try {
      options.limitWrites(bytesPerSecond);
    } finally {
      exit();
    }
  }

  /**
   * Says whether RocksDB may compact a family by itself. Compactions that are under way go on. Of
   * family chunk it may not when the database is opened: see {@link ChunkTables}.
   */
  void setAutomaticCompaction(Family family, boolean allowed) throws StoreException {
    enter();
    try {
      MutableColumnFamilyOptions changed =
          MutableColumnFamilyOptions.builder().setDisableAutoCompactions(!allowed).build();
      db.setOptions(handle(family), changed);
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "setting an option", e);
    } finally {
      exit();
    }
  }

  /**
   * Rewrites the files of a family that have keys from one to another; null for all keys. Ends soon
   * after the thread is interrupted, and leaves the files that it was about to replace.
   */
  void compact(Family family, byte @Nullable [] first, byte @Nullable [] last)
      throws StoreException {
    enter();
    try {
      beforeChange.run();
      compactions.run(how -> db.compactRange(handle(family), first, last, how));
    } finally {
      exit();
    }
  }

  /** Ends what {@link #compact} does now, and all that it is asked for later: both fail. */
  void cancelCompactions() {
    compactions.cancel();
  }

  /**
   * Shows the rows of a family that can be read: in the order of the keys up to what cannot, then
   * from the last one backwards down to it.
   *
   * @return why the rows between the two cannot be read; empty if there are none
   */
  Optional<String> forEachReadable(Family family, RowVisitor visitor) throws StoreException {
    @Nullable String[] failure = new String[1];
    iterate(
        family,
        rows -> {
          byte[] last = new byte[0];
          for (rows.seekToFirst(); rows.isValid(); rows.next()) {
            last = rows.key();
            visitor.visit(last, rows.value());
          }
          failure[0] = failure(rows);
          if (failure[0] != null) {
            for (rows.seekToLast(); rows.isValid(); rows.prev()) {
              if (Arrays.compareUnsigned(rows.key(), last) <= 0) {
                break;
              }
              visitor.visit(rows.key(), rows.value());
            }
          }
        });
    return Optional.ofNullable(failure[0]);
  }

  /** Why an iterator that is not valid is not; null if it is at the end. */
  @Nullable String failure(RocksIterator rows) throws StoreException {
    try {
      rows.status();
      return null;
    } catch (RocksDBException e) {
      if (StoreErrors.isOfOpenFiles(e)) {
        throw StoreErrors.of(location, "reading", e);
      }
      return RocksText.brief(e.getMessage());
    }
  }

  /** What is done with an iterator. It must not block: closing waits for it. */
  @FunctionalInterface
  interface IteratorUse {
    void use(RocksIterator rows) throws StoreException;
  }

  /**
   * Lends an iterator that reads much and once: ahead of itself, and past the cache. Whoever uses
   * it asks for its status.
   */
  void iterate(Family family, IteratorUse use) throws StoreException {
    enter();
    try (ReadOptions options =
            new ReadOptions().setFillCache(false).setReadaheadSize(READ_AHEAD_BYTES);
        RocksIterator rows = db.newIterator(handle(family), options)) {
      use.use(rows);
    } finally {
      exit();
    }
  }

  /** The files of all families. */
  List<LiveFileMetaData> liveFiles() {
    enter();
    try {
      return db.getLiveFilesMetaData();
    } finally {
      exit();
    }
  }

  /** No rows yet; they are written by {@link #write}. */
  RowBatch newBatch() {
    return newBatch(0);
  }

  /** As {@link #newBatch()}, for about so many bytes of rows. */
  RowBatch newBatch(int expectedBytes) {
    return new RowBatch(this, expectedBytes);
  }

  /** Writes the rows. They can be read at once, but are not durable before {@link #flush}. */
  void write(RowBatch batch) throws StoreException {
    enter();
    try {
      beforeChange.run();
      db.write(writeOptions, batch.batch());
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "writing", e);
    } finally {
      exit();
    }
  }

  /** Makes everything durable that was written before, in all families as one. */
  void flush() throws StoreException {
    flush(families);
  }

  /**
   * Makes what was written to one family durable, without the others: after a crash it may have
   * rows that were written after those that the others have.
   */
  void flush(Family family) throws StoreException {
    flush(List.of(handle(family)));
  }

  private void flush(List<ColumnFamilyHandle> some) throws StoreException {
    enter();
    try {
      beforeChange.run();
      db.flush(flushOptions, some);
    } catch (RocksDBException e) {
      throw StoreErrors.of(location, "making its writes durable", e);
    } finally {
      exit();
    }
  }

  /** Waits for calls that are under way; later ones throw {@link IllegalStateException}. */
  @Override
  public void close() {
    lifecycle.writeLock().lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      flushOptions.close();
      writeOptions.close();
      readOptions.close();
      readOnceOptions.close();
      families.forEach(ColumnFamilyHandle::close);
      db.close();
      options.close();
    } finally {
      lifecycle.writeLock().unlock();
    }
  }

  /** Where the repository is, for messages. */
  String location() {
    return location;
  }

  /** Before each call into native code; {@link #exit} after it. */
  void enter() {
    lifecycle.readLock().lock();
    if (closed) {
      lifecycle.readLock().unlock();
      throw new IllegalStateException("the store is closed");
    }
  }

  void exit() {
    lifecycle.readLock().unlock();
  }

  /** Only between {@link #enter} and {@link #exit}. */
  ColumnFamilyHandle handle(Family family) {
    return Objects.requireNonNull(handles.get(family));
  }
}
