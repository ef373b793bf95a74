package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import io.nbdvault.chunkstore.format.TreeNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What lies in a repository that nobody has open for writing, found without anything of what
 * reclaims.
 *
 * @param records length of each record, by ordinal
 * @param rows ordinal of each row of the index
 * @param reachable what the snapshots reach that are not forgotten
 * @param fileBytes size of the database's files
 */
record Inspection(
    Map<Long, Integer> records, Map<IndexKey, Long> rows, Set<IndexKey> reachable, long fileBytes) {

  static Inspection of(Path dir, int chunkSizeBytes) throws StoreException {
    Path db = dir.resolve("db");
    try (Database database = Database.open("test", db, DatabaseAccess.READ_ONLY)) {
      Map<Long, Integer> records = new HashMap<>();
      database.forEach(Family.CHUNK, (key, record) -> records.put(ordinalOf(key), record.length));
      Map<IndexKey, Long> rows = new HashMap<>();
      database.forEach(Family.INDEX, (key, row) -> rows.put(keyOf(key), rowOf(row).ordinal()));
      Set<IndexKey> reachable = reachable(database, chunkSizeBytes);
      long bytes = 0;
      for (Family family : Family.values()) {
        bytes += database.tables(family).stream().mapToLong(Database.Table::sizeBytes).sum();
      }
      return new Inspection(records, rows, reachable, bytes);
    }
  }

  /**
   * What a snapshot needs and has no row, and what a backup would take for stored and has no record
   * that can be read: also where blocks of the database are damaged.
   */
  static Set<IndexKey> unreliable(Path dir, int chunkSizeBytes) throws StoreException {
    Path db = dir.resolve("db");
    try (Database database = Database.open("test", db, DatabaseAccess.READ_ONLY)) {
      Map<IndexKey, IndexRow> rows = new HashMap<>();
      database.forEach(Family.INDEX, (key, row) -> rows.put(keyOf(key), rowOf(row)));
      Set<IndexKey> unreliable = reachable(database, chunkSizeBytes);
      unreliable.removeAll(rows.keySet());
      for (Map.Entry<IndexKey, IndexRow> entry : rows.entrySet()) {
        if (!entry.getValue().damaged() && !hasRecord(database, entry.getValue())) {
          unreliable.add(entry.getKey());
        }
      }
      return unreliable;
    }
  }

  private static boolean hasRecord(Database database, IndexRow row) throws StoreException {
    try {
      return database.get(Family.CHUNK, OrdinalKey.of(row.ordinal())) != null;
    } catch (DamagedException e) {
      return false;
    }
  }

  private static Set<IndexKey> reachable(Database database, int chunkSizeBytes)
      throws StoreException {
    ContentReader reader = new ContentReader(database, new PlainContent(), chunkSizeBytes);
    Set<IndexKey> reachable = new HashSet<>();
    for (CatalogEntry entry : new Catalog(database, SnapshotSeal.NONE).list()) {
      if (entry.isKept()) {
        for (DiskRecord disk : entry.record().disks()) {
          reach(reader, disk.root(), reachable);
        }
      }
    }
    return reachable;
  }

  private static void reach(ContentReader reader, ChunkId id, Set<IndexKey> reachable)
      throws StoreException {
    if (id.isZero() || !reachable.add(new IndexKey(RecordType.NODE, id))) {
      return;
    }
    TreeNode node = reader.read(id);
    for (int slot = 0; slot < node.count(); slot++) {
      ChunkId child = node.child(slot);
      if (node.level() > 0) {
        reach(reader, child, reachable);
      } else if (!child.isZero()) {
        reachable.add(new IndexKey(RecordType.CHUNK, child));
      }
    }
  }

  /** What there is and nothing reaches: rows. */
  Set<IndexKey> unreachableRows() {
    Set<IndexKey> left = new HashSet<>(rows.keySet());
    left.removeAll(reachable);
    return left;
  }

  /** What there is and nothing reaches: ordinals of records. */
  Set<Long> unreachableRecords() {
    Set<Long> left = new HashSet<>(records.keySet());
    reachable.forEach(key -> left.remove(rows.getOrDefault(key, 0L)));
    return left;
  }

  /** Bytes of the records that something reaches. */
  long reachableBytes() {
    return reachable.stream().mapToLong(key -> records.getOrDefault(rows.get(key), 0)).sum();
  }

  /** Rows whose record is not there. */
  Set<IndexKey> danglingRows() {
    Set<IndexKey> dangling = new HashSet<>(rows.keySet());
    dangling.removeIf(key -> records.containsKey(rows.get(key)));
    return dangling;
  }

  private static long ordinalOf(byte[] key) {
    try {
      return OrdinalKey.decode(key);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }

  private static IndexKey keyOf(byte[] key) {
    try {
      return IndexKey.decode(key);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }

  private static IndexRow rowOf(byte[] row) {
    try {
      return IndexRow.decode(row);
    } catch (MalformedRecordException e) {
      throw new AssertionError(e);
    }
  }
}
