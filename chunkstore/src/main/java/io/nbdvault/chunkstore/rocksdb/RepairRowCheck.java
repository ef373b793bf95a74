package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.CollectionRow;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for rows that are damaged although their files are whole: something wrote them wrong, or
 * they were damaged before they were written. Needs no key.
 */
final class RepairRowCheck {
  private static final Logger LOG = LoggerFactory.getLogger(RepairRowCheck.class);
  private static final int ITEMS_MAX = 1000;

  /** One that is found is enough to have all rows made that are missing. */
  private static final int MISSED_MAX = StoreLimits.DAMAGED_KEYS;

  private final Database database;
  private final List<DamagedItem> damage = new ArrayList<>();
  private final Roaring64Bitmap named = new Roaring64Bitmap();

  /** What is needed, as far as is known, and has no row. */
  private final Set<IndexKey> missed = new HashSet<>();

  /** Rows of family {@code default} that lie in a block or a file which cannot be read. */
  private final List<String> unreadable = new ArrayList<>();

  private String unreadableReason = "";
  private @Nullable StoreFailedException unread;
  private boolean rowsDamaged;
  private boolean indexDamaged;

  RepairRowCheck(Database database) {
    this.database = database;
  }

  /** What was found. */
  List<DamagedItem> damage() {
    return damage;
  }

  /** Whether a row has to be replaced or taken out. */
  boolean rowsDamaged() {
    return rowsDamaged;
  }

  /**
   * What to fail with if every file turns out to be whole: some rows could not be read, so that it
   * is not known what is wrong with them.
   */
  Optional<StoreFailedException> unread() {
    return Optional.ofNullable(unread);
  }

  /** Whether a row of the index is to be made from its record. */
  boolean indexDamaged() {
    return indexDamaged;
  }

  void run(RepositoryConfig config) throws StoreException {
    checkCounters(config);
    boolean collecting = checkCollection();
    checkConfigCopy();
    if (config.encryption() != Encryption.NONE) {
      checkKeys(config);
    }
    if (!unreadable.isEmpty()) {
      found(String.join(", ", unreadable), unreadableReason);
    }
    read(Family.CATALOG, this::checkCatalogRow);
    read(Family.INDEX, this::checkIndexRow);
    // Of a collection that was killed, every record gets a row in any case.
    if (!collecting) {
      checkRecords();
    }
  }

  private void read(Family family, Database.RowVisitor visitor) throws StoreException {
    database
        .forEachReadable(family, visitor)
        .ifPresent(failure -> unread = RepairScan.diskError(family, failure));
  }

  private void checkCounters(RepositoryConfig config) throws StoreException {
    for (Counter counter : Counter.values()) {
      if (counter == Counter.COMMITS && !HeadFindings.hasHead(config)) {
        continue;
      }
      check(counter.what(), counter.keyBytes(), () -> counter.read(database));
    }
  }

  /** Looks at a row. */
  @FunctionalInterface
  private interface RowCheck {
    void run() throws StoreException;
  }

  private void check(String what, byte[] key, RowCheck check) throws StoreException {
    if (!isReadable(what, key)) {
      return;
    }
    try {
      check.run();
    } catch (DamagedException e) {
      found(e.what(), e.reason());
    } catch (StoreFailedException e) {
      found(what, "" + e.getMessage());
    }
  }

  /** Whether RocksDB can say if there is such a row; else it is told with the others like it. */
  private boolean isReadable(String what, byte[] key) throws StoreException {
    try {
      database.get(Family.DEFAULT, key);
      return true;
    } catch (DamagedException e) {
      unreadableReason = e.reason();
    } catch (StoreFailedException e) {
      // Its file is missing.
      unreadableReason = "" + e.getMessage();
    }
    unreadable.add(what);
    return false;
  }

  /** Returns whether a collection was killed in its sweep, or may have been. */
  private boolean checkCollection() throws StoreException {
    try {
      byte[] row = database.get(Family.DEFAULT, Collector.key());
      if (row != null) {
        CollectionRow.decode(row);
      }
      return row != null;
    } catch (MalformedRecordException e) {
      found("collection", "" + e.getMessage());
      return true;
    } catch (DamagedException | StoreFailedException e) {
      // Its file is damaged, which is told elsewhere.
      return true;
    }
  }

  private void checkConfigCopy() throws StoreException {
    check("copy of config.json", StoredConfig.key(), () -> StoredConfig.copy(database));
  }

  private void checkKeys(RepositoryConfig config) throws StoreException {
    if (!isReadable("copy of keys.json", StoredKeys.key())) {
      return;
    }
    try {
      byte[] row = database.get(Family.DEFAULT, StoredKeys.key());
      if (row == null) {
        found("copy of keys.json", "is missing");
      } else if (!KeysFile.decode(row).repositoryId().equals(config.repositoryId())) {
        found("copy of keys.json", "is of another repository");
      }
    } catch (MalformedRecordException | DamagedException | StoreFailedException e) {
      found("copy of keys.json", "" + e.getMessage());
    }
  }

  private void checkCatalogRow(byte[] key, byte[] row) {
    boolean isState = key.length == SnapshotStateRow.KEY_BYTES;
    try {
      if (isState) {
        SnapshotStateRow.decode(key, row);
      } else {
        SnapshotFrame.check(key, row);
      }
    } catch (MalformedRecordException e) {
      String what = isState ? "state of snapshot " : "snapshot ";
      found(what + HexFormat.of().formatHex(key), "" + e.getMessage());
    }
  }

  private void checkIndexRow(byte[] key, byte[] row) {
    try {
      IndexKey.decode(key);
      named.addLong(IndexRow.decode(row).ordinal());
    } catch (MalformedRecordException e) {
      found("row of the index " + HexFormat.of().formatHex(key), "" + e.getMessage());
      indexDamaged = true;
    }
  }

  /**
   * Looks for records without a row of what a verification has found needed and without one. Not
   * for others: a collection leaves some where there is no room to rewrite a file, or where that is
   * damaged, and a killed process may do so too. Later collections take them away.
   */
  private void checkRecords() throws StoreException {
    findMissed();
    if (missed.isEmpty()) {
      return;
    }
    long[] without = new long[1];
    read(
        Family.CHUNK,
        (key, record) -> {
          if (isWithoutRow(key, record)) {
            without[0]++;
          }
        });
    if (without[0] > 0) {
      damage.add(new DamagedItem("index", without[0] + " records that are needed have no row"));
      indexDamaged = true;
    }
  }

  private void findMissed() {
    try {
      DamagedRows.forEach(
          database,
          key -> {
            if (missed.size() < MISSED_MAX && database.get(Family.INDEX, key.encode()) == null) {
              missed.add(key);
            }
          });
    } catch (StoreException e) {
      // A file is damaged, so rows and records are compared in any case, or that is told elsewhere.
      LOG.debug("missed=unknown", e);
    }
  }

  private boolean isWithoutRow(byte[] key, byte[] record) throws StoreException {
    try {
      long ordinal = OrdinalKey.decode(key);
      if (named.contains(ordinal)) {
        return false;
      }
      ContentRecord header = ContentRecord.decode(record, record.length, ordinal);
      IndexKey indexKey = new IndexKey(header.type(), header.id());
      return missed.contains(indexKey) && !RepairRows.leadsToItsRecord(database, indexKey);
    } catch (MalformedRecordException e) {
      // No row can be made of it. Whoever needs it finds it missing.
      return false;
    } catch (DamagedException | StoreFailedException e) {
      // A file is damaged, so rows and records are compared in any case.
      return false;
    }
  }

  private void found(String what, String reason) {
    rowsDamaged = true;
    if (damage.size() < ITEMS_MAX) {
      damage.add(new DamagedItem(what, reason));
    }
  }
}
