package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Puts rows that a damaged table still gives into the database that is being repaired. Which of two
 * versions of a row is the newer one cannot be told from tables alone, so each family decides by
 * what its rows say: a row that is whole is never replaced but where it makes no difference.
 *
 * <ul>
 *   <li>A record of a chunk or a node says itself what it is. Two that are whole under one ordinal
 *       have the same content.
 *   <li>A row of the index follows from the record. Of those that a table gives, only the epoch and
 *       the ordinal are looked at: what comes next must be higher.
 *   <li>A snapshot's record that is there stays. One that is not comes back, also if it had been
 *       deleted: then verifying reports that nothing is left of that snapshot. For what was decided
 *       about snapshots see {@link RepairStates}.
 *   <li>A counter never goes back.
 * </ul>
 */
final class RepairRows {
  private final Database database;
  private final RepairWriter writer;
  private long maxEpoch = 1;
  private long maxOrdinal;
  private long maxCommit;
  private long records;
  private long rows;
  private long indexRows;

  RepairRows(Database database, RepairWriter writer) {
    this.database = database;
    this.writer = writer;
  }

  /** Records that were put back. */
  long records() {
    return records;
  }

  /** Number of the last commit of which a counter was found; 0 if none was. */
  long lastCommit() {
    return maxCommit;
  }

  /** Rows of catalog and default that were put back. */
  long rows() {
    return rows;
  }

  /** Rows of the index that were made. */
  long indexRows() {
    return indexRows;
  }

  /** Ordinals of some ranges that rows of the index name, and that have no whole record. */
  Roaring64Bitmap namedAndMissing(OrdinalRanges ranges) throws StoreException {
    Roaring64Bitmap missing = new Roaring64Bitmap();
    RepairScan.forEach(
        database,
        Family.INDEX,
        (key, value) -> {
          IndexRow row = IndexRow.ifWhole(value);
          if (row != null && ranges.contains(row.ordinal())) {
            byte[] ordinalKey = OrdinalKey.of(row.ordinal());
            byte[] record = database.get(Family.CHUNK, ordinalKey);
            if (record == null || decode(ordinalKey, record) == null) {
              missing.addLong(row.ordinal());
            }
          }
        });
    return missing;
  }

  /** Takes in a row that a table gave. */
  void takeIn(Family family, byte[] key, byte[] value) throws StoreException {
    switch (family) {
      case CHUNK -> takeInRecord(key, value);
      case INDEX -> note(value);
      case CATALOG -> takeInCatalogRow(key, value);
      case DEFAULT -> takeInOther(key, value);
    }
  }

  private void takeInRecord(byte[] key, byte[] record) throws StoreException {
    if (decode(key, record) == null) {
      return;
    }
    byte[] present = database.get(Family.CHUNK, key);
    if (present == null || decode(key, present) == null) {
      writer.put(Family.CHUNK, key, record);
      records++;
    }
  }

  private void note(byte[] value) {
    try {
      IndexRow row = IndexRow.decode(value);
      maxEpoch = Math.max(maxEpoch, row.epoch());
      maxOrdinal = Math.max(maxOrdinal, row.ordinal());
    } catch (MalformedRecordException e) {
      // A row that is no row says nothing about epochs.
      return;
    }
  }

  private void takeInCatalogRow(byte[] key, byte[] value) throws StoreException {
    byte[] present = database.get(Family.CATALOG, key);
    if (key.length == SnapshotStateRow.KEY_BYTES) {
      takeInState(key, present, value);
    } else if (isWhole(key, value) && (present == null || !isWhole(key, present))) {
      writer.put(Family.CATALOG, key, value);
      rows++;
    }
  }

  private void takeInState(byte[] key, byte @Nullable [] present, byte[] value)
      throws StoreException {
    SnapshotState found = RepairStates.decode(key, value);
    if (present == null) {
      writer.put(Family.CATALOG, key, value);
      rows++;
      return;
    }
    SnapshotState there = RepairStates.decode(key, present);
    if (found != null && there != null && !RepairStates.merged(there, found).equals(there)) {
      writer.put(Family.CATALOG, key, value);
      rows++;
    }
  }

  private void takeInOther(byte[] key, byte[] value) throws StoreException {
    Counter counter = Counter.ofKey(key);
    byte[] present = counter == null ? database.get(Family.DEFAULT, key) : null;
    if (counter != null) {
      noteCounter(counter, value);
    } else if (present == null || isNewer(key, value, present)) {
      writer.put(Family.DEFAULT, key, value);
      rows++;
    }
  }

  /** Of the repository's keys, the highest generation counts. Other rows do not change. */
  private static boolean isNewer(byte[] key, byte[] value, byte[] present) {
    return Arrays.equals(key, StoredKeys.key()) && generation(value) > generation(present);
  }

  private static long generation(byte[] keys) {
    try {
      return KeysFile.decode(keys).generation();
    } catch (MalformedRecordException e) {
      return 0;
    }
  }

  private void noteCounter(Counter counter, byte[] value) {
    try {
      long number = counter.decode(value);
      switch (counter) {
        case EPOCH -> maxEpoch = Math.max(maxEpoch, number);
        case NEXT_ORDINAL -> maxOrdinal = Math.max(maxOrdinal, number - 1);
        case COMMITS -> maxCommit = Math.max(maxCommit, number);
      }
    } catch (MalformedRecordException e) {
      // The other tables' counters, or the rows themselves, say how far it was.
      return;
    }
  }

  private static boolean isWhole(byte[] key, byte[] row) {
    try {
      SnapshotFrame.check(key, row);
      return true;
    } catch (MalformedRecordException e) {
      return false;
    }
  }

  /** Writes what was taken in so far. */
  void write() throws StoreException {
    writer.write();
  }

  /**
   * Makes the counters right: higher than all that was ever given. What is lost may have been given
   * more than what is left shows, so they are set higher by as much as a process takes at once.
   *
   * <p>The copy of the configuration gets the version that the repaired rows have.
   *
   * @param config is put where there is no copy
   * @param head says how far they were at least
   */
  void finishCounters(RepositoryConfig config, RepairHead head) throws StoreException {
    maxCommit = Math.max(maxCommit, head.commits());
    maxOrdinal = Math.max(maxOrdinal, head.nextOrdinal() - 1);
    try (RowBatch counters = database.newBatch()) {
      Counter.EPOCH.put(counters, Math.addExact(maxEpoch, 1));
      Counter.NEXT_ORDINAL.put(
          counters, Math.addExact(maxOrdinal, 1L + StoreLimits.LEASE_ORDINALS));
      Counter.COMMITS.put(counters, Math.addExact(maxCommit, 1));
      // Its marks know nothing of what was put back. The next collection marks anew.
      counters.delete(Family.DEFAULT, Collector.key());
      byte[] copy = database.get(Family.DEFAULT, StoredConfig.key());
      RepositoryConfig stored = decodeConfig(copy, config);
      counters.put(Family.DEFAULT, StoredConfig.key(), ConfigFile.encode(stored.upgraded()));
      database.write(counters);
    }
  }

  private void noteCounterOf(Counter counter) throws StoreException {
    byte[] value = database.get(Family.DEFAULT, counter.keyBytes());
    if (value != null) {
      noteCounter(counter, value);
    }
  }

  private static RepositoryConfig decodeConfig(byte @Nullable [] row, RepositoryConfig otherwise) {
    try {
      return row == null ? otherwise : ConfigFile.decode(row);
    } catch (MalformedRecordException e) {
      return otherwise;
    }
  }

  /** Looks how far epochs, ordinals and commits were given, by the rows that are there. */
  void noteCounters() throws StoreException {
    for (Counter counter : Counter.values()) {
      noteCounterOf(counter);
    }
    RepairScan.forEach(database, Family.INDEX, (key, row) -> note(row));
  }

  /**
   * Goes through all records and makes the rows of the index that are missing, or that name a
   * record which is not theirs, or an older one. After {@link #noteCounters}: a new row is as young
   * as the youngest.
   *
   * <p>Content has a second record only because the first one was no good when it was met again,
   * and that may not show: memory that erred before a record was sealed leaves its checksum right.
   * So the last record that is whole is the one that counts. They come in the order of their
   * ordinals: whether a row that was just made can be seen already makes no difference.
   */
  void rebuildIndex() throws StoreException {
    RepairScan.forEach(database, Family.CHUNK, this::indexRecord);
    write();
  }

  private void indexRecord(byte[] key, byte[] record) throws StoreException {
    ContentRecord header = decode(key, record);
    if (header == null) {
      return;
    }
    long ordinal = ordinal(key);
    maxOrdinal = Math.max(maxOrdinal, ordinal);
    IndexKey indexKey = new IndexKey(header.type(), header.id());
    IndexRow row = row(indexKey);
    if (row == null
        || row.ordinal() < ordinal
        || (row.ordinal() != ordinal && !isOf(database, indexKey, row))) {
      IndexRow made = new IndexRow(ordinal, header.plainLength(), maxEpoch, record.length, false);
      writer.put(Family.INDEX, indexKey.encode(), made.encode());
      indexRows++;
    }
  }

  private @Nullable IndexRow row(IndexKey key) throws StoreException {
    byte[] row = database.get(Family.INDEX, key.encode());
    try {
      return row == null ? null : IndexRow.decode(row);
    } catch (MalformedRecordException e) {
      return null;
    }
  }

  /** Whether there is a row for some content, and the record of it under the row's ordinal. */
  static boolean leadsToItsRecord(Database database, IndexKey key) throws StoreException {
    byte[] value = database.get(Family.INDEX, key.encode());
    try {
      return value != null && isOf(database, key, IndexRow.decode(value));
    } catch (MalformedRecordException e) {
      return false;
    }
  }

  private static boolean isOf(Database database, IndexKey key, IndexRow row) throws StoreException {
    byte[] ordinalKey = OrdinalKey.of(row.ordinal());
    byte[] record = database.get(Family.CHUNK, ordinalKey);
    ContentRecord header = record == null ? null : decode(ordinalKey, record);
    return header != null && header.type() == key.type() && header.id().equals(key.id());
  }

  private static @Nullable ContentRecord decode(byte[] key, byte[] record) {
    try {
      return ContentRecord.decode(record, record.length, OrdinalKey.decode(key));
    } catch (MalformedRecordException e) {
      return null;
    }
  }

  private static long ordinal(byte[] key) {
    try {
      return OrdinalKey.decode(key);
    } catch (MalformedRecordException e) {
      throw new IllegalStateException("a key was decoded before: " + Arrays.toString(key), e);
    }
  }
}
