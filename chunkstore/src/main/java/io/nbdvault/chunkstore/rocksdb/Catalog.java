package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots that are committed, and what was decided about each since. A record can be read
 * from the database a moment before it is durable, so it is hidden until its commit has succeeded;
 * if that fails it stays hidden.
 */
final class Catalog {
  private static final Logger LOG = LoggerFactory.getLogger(Catalog.class);

  /** Those without a number were committed before all that have one. */
  private static final Comparator<SnapshotRecord> ORDER =
      Comparator.comparingLong((SnapshotRecord record) -> record.commit().orElse(0))
          .thenComparing(SnapshotRecord::time)
          .thenComparing(record -> record.id().hex());

  private final Database database;
  private final SnapshotSeal seal;
  private final Set<SnapshotId> uncommitted = ConcurrentHashMap.newKeySet();

  Catalog(Database database, SnapshotSeal seal) {
    this.database = database;
    this.seal = seal;
  }

  /**
   * What the catalog holds.
   *
   * @param entries the snapshots that can be read, the forgotten ones too, in the order of their
   *     commits, those that have no number before the others and by time, without the VMs'
   *     configurations; one whose state cannot be read counts as condemned if it is listed as that
   *     as well, and else as protected
   * @param damaged the rows that cannot be read: what they refer to is not known
   */
  record Listing(List<CatalogEntry> entries, List<DamagedItem> damaged) {}

  /** All snapshots that can be read. A damaged row does not hide the others. */
  List<CatalogEntry> list() throws StoreException {
    if (seal.isLocked()) {
      throw new IllegalStateException("the repository was opened without its key");
    }
    Listing listing = read();
    for (DamagedItem row : listing.damaged()) {
      LOG.warn("catalog=\"{}\" damaged=\"{}\"", row.what(), row.reason());
    }
    return listing.entries();
  }

  /**
   * The whole catalog, with what is damaged of it. Without the repository's key the checksums are
   * checked, and there are no entries.
   */
  Listing read() throws StoreException {
    List<SnapshotRecord> records = new ArrayList<>();
    Map<SnapshotId, SnapshotState> states = new HashMap<>();
    List<DamagedItem> damaged = new ArrayList<>();
    Optional<String> gap =
        database.forEachReadable(
            Family.CATALOG,
            (key, row) -> {
              try {
                if (key.length == SnapshotStateRow.KEY_BYTES) {
                  addState(states, key, row);
                } else if (seal.isLocked()) {
                  check(key, row);
                } else {
                  addCommitted(records, key, row);
                }
              } catch (DamagedException e) {
                damaged.add(new DamagedItem(e.what(), e.reason()));
              }
            });
    gap.ifPresent(reason -> damaged.add(new DamagedItem("rows of the catalog", reason)));
    records.sort(ORDER);
    List<CatalogEntry> entries =
        records.stream()
            .map(
                record ->
                    new CatalogEntry(record, states.getOrDefault(record.id(), SnapshotState.KEPT)))
            .toList();
    return new Listing(entries, List.copyOf(damaged));
  }

  /** The snapshot of that id, also if it is forgotten. */
  Optional<CatalogEntry> find(SnapshotId id) throws StoreException {
    byte[] key = SnapshotFrame.key(id);
    // Before the record: a collection deletes both at once, and no state means that it is kept.
    SnapshotState state = state(id);
    byte[] row = database.get(Family.CATALOG, key);
    // Asked after reading: a row that was read is listed here unless its commit has succeeded.
    if (row == null || uncommitted.contains(id)) {
      return Optional.empty();
    }
    return Optional.of(new CatalogEntry(decode(key, row), state));
  }

  /** Puts a snapshot's record into a batch, hidden until {@link #committed}. */
  void put(RowBatch batch, SnapshotId id, byte[] row) throws StoreException {
    uncommitted.add(id);
    batch.put(Family.CATALOG, SnapshotFrame.key(id), row);
  }

  /** Shows a snapshot whose record is durable. */
  void committed(SnapshotId id) {
    uncommitted.remove(id);
  }

  /** Puts what was decided about a snapshot into a batch. */
  void put(RowBatch batch, SnapshotId id, SnapshotState state) throws StoreException {
    byte[] key = SnapshotStateRow.key(id);
    if (state.equals(SnapshotState.KEPT)) {
      batch.delete(Family.CATALOG, key);
    } else {
      batch.put(Family.CATALOG, key, SnapshotStateRow.encode(id, state));
    }
  }

  /** Takes a snapshot out: its record, and then what was decided about it, in one batch. */
  void delete(RowBatch batch, SnapshotId id) throws StoreException {
    batch.delete(Family.CATALOG, SnapshotFrame.key(id));
    batch.delete(Family.CATALOG, SnapshotStateRow.key(id));
  }

  /** A state that cannot be read keeps the snapshot until somebody decides anew. */
  private SnapshotState state(SnapshotId id) throws StoreException {
    byte[] key = SnapshotStateRow.key(id);
    byte[] row = database.get(Family.CATALOG, key);
    try {
      return row == null ? SnapshotState.KEPT : SnapshotStateRow.decode(key, row);
    } catch (MalformedRecordException e) {
      SnapshotState used = unreadable(id);
      LOG.warn("snapshot={} state=damaged used={}", id, used, e);
      return used;
    }
  }

  private SnapshotState unreadable(SnapshotId id) throws StoreException {
    return CondemnedRows.contains(database, id) ? CondemnedRows.STATE : SnapshotState.PROTECTED;
  }

  private void addState(Map<SnapshotId, SnapshotState> states, byte[] key, byte[] row)
      throws StoreException {
    SnapshotId id;
    try {
      id = SnapshotStateRow.idOf(key);
    } catch (MalformedRecordException e) {
      throw damaged("state of snapshot ", key, e);
    }
    try {
      states.put(id, SnapshotStateRow.decode(key, row));
    } catch (MalformedRecordException e) {
      states.put(id, unreadable(id));
      throw damaged("state of snapshot ", key, e);
    }
  }

  private void addCommitted(List<SnapshotRecord> records, byte[] key, byte[] row)
      throws StoreException {
    SnapshotRecord record = decode(key, row);
    if (!uncommitted.contains(record.id())) {
      // All of them at once need not fit into memory with what each VM was configured as.
      records.add(record.withoutVmConfiguration());
    }
  }

  private static void check(byte[] key, byte[] row) throws DamagedException {
    try {
      SnapshotFrame.check(key, row);
    } catch (MalformedRecordException e) {
      throw damaged("snapshot ", key, e);
    }
  }

  private SnapshotRecord decode(byte[] key, byte[] row) throws DamagedException {
    try {
      return SnapshotFrame.decode(key, row, seal);
    } catch (MalformedRecordException e) {
      throw damaged("snapshot ", key, e);
    }
  }

  private static DamagedException damaged(String what, byte[] key, MalformedRecordException e) {
    return new DamagedException(
        what + HexFormat.of().formatHex(key), OptionalLong.empty(), "" + e.getMessage(), e);
  }
}
