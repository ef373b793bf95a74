package io.nbdvault.chunkstore.rocksdb;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.Properties;
import org.rocksdb.AbstractNativeReference;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactionStyle;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.IndexType;
import org.rocksdb.LRUCache;
import org.rocksdb.RateLimiter;

/**
 * Every option of RocksDB that is set, with its reason.
 *
 * <p>Memory: the block cache, which the index and filter blocks are charged to, is 64 MiB;
 * memtables are 2 x 40 MiB of chunks and what little the other families take beside them, 96 MiB in
 * all. Together with the Java heap that it begins with, 160 MiB, the process stays below 512 MiB.
 */
final class DatabaseOptions implements AutoCloseable {
  private static final long MIB = 1 << 20;
  private static final long BLOCK_CACHE_BYTES = 64 * MIB;
  private static final long CHUNK_MEMTABLE_BYTES = 40 * MIB;
  private static final long OTHER_MEMTABLE_BYTES = 4 * MIB;
  private static final long ALL_MEMTABLES_BYTES = 96 * MIB;

  /** More than any disk writes: RocksDB has no other way to say that there is no limit. */
  private static final long UNLIMITED_BYTES_PER_SECOND = 1L << 40;

  /** RocksDB's own value, which it would otherwise derive from the limiter. */
  private static final long DELAYED_WRITE_BYTES_PER_SECOND = 16 * MIB;

  private final Deque<AbstractNativeReference> handles = new ArrayDeque<>();
  private final LRUCache cache;
  private final RateLimiter limiter;
  private final DBOptions database;
  private final List<ColumnFamilyDescriptor> families = new ArrayList<>();

  /**
   * @param directIo whether the file system takes writes past the page cache
   */
  DatabaseOptions(DatabaseAccess access, boolean directIo) {
    // -1 shards: as RocksDB sees fit. Not strict: a read must not fail because the cache is full.
    // Half is for index and filter blocks, or chunks that are read once would push them out.
    cache = own(new LRUCache(BLOCK_CACHE_BYTES, -1, false, 0.5));
    limiter = own(new RateLimiter(UNLIMITED_BYTES_PER_SECOND));
    database = databaseOptions(access, directIo);
    for (Family family : Family.values()) {
      families.add(new ColumnFamilyDescriptor(family.nameBytes(), familyOptions(family)));
    }
  }

  DBOptions database() {
    return database;
  }

  /** The families, in the order of {@link Family}. */
  List<ColumnFamilyDescriptor> families() {
    return families;
  }

  /** Frees the options, the last made first. The database must be closed. */
  @Override
  public void close() {
    while (!handles.isEmpty()) {
      handles.pop().close();
    }
  }

  /** Limits what is written to files, until it is told otherwise. */
  void limitWrites(OptionalLong bytesPerSecond) {
    limiter.setBytesPerSecond(bytesPerSecond.orElse(UNLIMITED_BYTES_PER_SECOND));
  }

  private DBOptions databaseOptions(DatabaseAccess access, boolean directIo) {
    DBOptions options = own(newOptions(access));
    options
        // Only what create() makes is ever a repository: nothing springs up by opening.
        .setCreateIfMissing(access == DatabaseAccess.CREATE)
        .setCreateMissingColumnFamilies(access == DatabaseAccess.CREATE)
        .setErrorIfExists(access == DatabaseAccess.CREATE)
        // A commit is one flush of all families that takes effect as a whole; there is no log.
        .setAtomicFlush(true)
        // What was not committed is not worth writing out; counters are flushed by name.
        .setAvoidFlushDuringShutdown(true)
        // After a failed write the store stops, so that nothing becomes durable behind the back of
        // whoever was told that it did not.
        .setMaxBgErrorResumeCount(0)
        // Damage is reported, not worked around, but where somebody looks for it.
        .setParanoidChecks(access != DatabaseAccess.READ_DAMAGED)
        // A ceiling over all families, in case some other one ever grows.
        .setDbWriteBufferSize(ALL_MEMTABLES_BYTES)
        // One flush and one compaction at a time: the CPUs are for hashing and compressing.
        .setMaxBackgroundJobs(2)
        // Past the page cache, which has better use for its memory than what is only written; and
        // to copy into it takes as long as all else of a flush.
        .setUseDirectIoForFlushAndCompaction(directIo)
        // Where that cannot be: writes out steadily instead of all at the final sync.
        .setBytesPerSync(MIB)
        // For a collection that is to leave room for others; flushes go before compactions.
        .setRateLimiter(limiter)
        .setDelayedWriteRate(DELAYED_WRITE_BYTES_PER_SECOND)
        // The kernel sees itself when records are read in their order, and then reads ahead.
        .setAdviseRandomOnOpen(false)
        // Opening reads no file for statistics that only compactions of deletes would use.
        .setSkipStatsUpdateOnDbOpen(true)
        // Nobody reads them, and each has a thread or a column family of its own.
        .setStatsDumpPeriodSec(0)
        .setStatsPersistPeriodSec(0)
        .setMaxOpenFiles(openFilesMax(access))
        // Also keeps RocksDB from making files called LOG, which a reader must not.
        .setLogger(own(new DatabaseLog()));
    return options;
  }

  /**
   * A writer bounds its files, also by what the process may open. A reader beside a writer holds
   * all of them open from the start, because the writer deletes those that it has compacted. With
   * the lock there is no writer; RocksDB still opens a quarter of so many, less the ten that it
   * keeps for itself, and takes no less.
   */
  private static int openFilesMax(DatabaseAccess access) {
    return switch (access) {
      case READ_ONLY, READ_DAMAGED -> -1;
      case READ_LOCKED -> 20;
      case CREATE, READ_WRITE, REPAIR -> OpenFiles.writerTablesMax(4096);
    };
  }

  /** A repair's stand-ins have other identities than the tables that they stand for. */
  private static DBOptions newOptions(DatabaseAccess access) {
    if (access != DatabaseAccess.REPAIR) {
      return new DBOptions();
    }
    Properties properties = new Properties();
    properties.setProperty("verify_sst_unique_id_in_manifest", "false");
    DBOptions options = DBOptions.getDBOptionsFromProps(properties);
    if (options == null) {
      throw new IllegalStateException("RocksDB does not know the option " + properties);
    }
    return options;
  }

  private ColumnFamilyOptions familyOptions(Family family) {
    ColumnFamilyOptions options = own(new ColumnFamilyOptions());
    // Ids do not compress, and the rest is compressed already or tiny.
    options.setCompressionType(CompressionType.NO_COMPRESSION);
    // One is written while another is flushed.
    options.setMaxWriteBufferNumber(2);
    options.setWriteBufferSize(
        family == Family.CHUNK ? CHUNK_MEMTABLE_BYTES : OTHER_MEMTABLE_BYTES);
    if (family == Family.CHUNK) {
      // Allowed once it is known that no files overlap, so that all it does is to move them.
      options.setDisableAutoCompactions(true);
      // Nothing is rewritten only because it is old.
      options.setTtl(0);
      options.setPeriodicCompactionSeconds(0);
    }
    if (family == Family.CATALOG) {
      // Each commit brings a file with one row of its own, which levels would move and never merge.
      options.setCompactionStyle(CompactionStyle.UNIVERSAL);
      options.setLevel0FileNumCompactionTrigger(8);
    }
    if (family == Family.INDEX) {
      // A flush for the chunks brings a small file of the index with it, of a thousand rows and
      // less. Levels would rewrite the whole first level for a few of those, or leave many for
      // every look-up to go through; merging files with those of their size does neither.
      options.setCompactionStyle(CompactionStyle.UNIVERSAL);
      options.setLevel0FileNumCompactionTrigger(8);
      options.setLevel0SlowdownWritesTrigger(48);
      options.setLevel0StopWritesTrigger(64);
    }
    options.setTableFormatConfig(tables(family));
    return options;
  }

  private BlockBasedTableConfig tables(Family family) {
    BlockBasedTableConfig tables = new BlockBasedTableConfig();
    tables
        .setBlockCache(cache)
        // Bounded by the cache, however many files there are.
        .setCacheIndexAndFilterBlocks(true)
        .setCacheIndexAndFilterBlocksWithHighPriority(true)
        .setPinL0FilterAndIndexBlocksInCache(true);
    if (family == Family.INDEX) {
      // Most look-ups of a first backup are for ids that are not there: 10 bits a key spare 99 of
      // 100 reads. Partitioned, so that a look-up loads 4 KiB of filter and not megabytes.
      tables
          .setFilterPolicy(own(newFilter()))
          .setIndexType(IndexType.kTwoLevelIndexSearch)
          .setPartitionFilters(true)
          .setMetadataBlockSize(4096)
          .setPinTopLevelIndexAndFilter(true);
    }
    return tables;
  }

  /** The filter that tables of the index have, of 10 bits a key. */
  static BloomFilter newFilter() {
    return new BloomFilter(10);
  }

  private <T extends AbstractNativeReference> T own(T handle) {
    handles.push(handle);
    return handle;
  }
}
