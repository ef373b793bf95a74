package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The snapshots that are committed. A record can be read from the database a moment before it is
 * durable, so it is hidden until its commit has succeeded; if that fails it stays hidden.
 */
final class Catalog {
  private final Database database;
  private final Set<SnapshotId> uncommitted = ConcurrentHashMap.newKeySet();

  Catalog(Database database) {
    this.database = database;
  }

  /** All snapshots, by time, and by id where times are equal. */
  List<SnapshotRecord> list() throws StoreException {
    List<SnapshotRecord> records = new ArrayList<>();
    database.forEach(Family.CATALOG, (key, row) -> addCommitted(records, key, row));
    records.sort(
        Comparator.comparing(SnapshotRecord::time).thenComparing(record -> record.id().hex()));
    return List.copyOf(records);
  }

  Optional<SnapshotRecord> find(SnapshotId id) throws StoreException {
    byte[] key = SnapshotFrame.key(id);
    byte[] row = database.get(Family.CATALOG, key);
    // Asked after reading: a row that was read is listed here unless its commit has succeeded.
    return row == null || uncommitted.contains(id)
        ? Optional.empty()
        : Optional.of(decode(key, row));
  }

  /** Puts a snapshot's record into a batch, hidden until {@link #committed}. */
  void put(Database.Batch batch, SnapshotId id, byte[] row) throws StoreException {
    uncommitted.add(id);
    batch.put(Family.CATALOG, SnapshotFrame.key(id), row);
  }

  /** Shows a snapshot whose record is durable. */
  void committed(SnapshotId id) {
    uncommitted.remove(id);
  }

  private void addCommitted(List<SnapshotRecord> records, byte[] key, byte[] row)
      throws StoreException {
    SnapshotRecord record = decode(key, row);
    if (!uncommitted.contains(record.id())) {
      records.add(record);
    }
  }

  private static SnapshotRecord decode(byte[] key, byte[] row) throws DamagedException {
    try {
      return SnapshotFrame.decode(key, row);
    } catch (MalformedRecordException e) {
      throw new DamagedException(
          "snapshot " + HexFormat.of().formatHex(key),
          OptionalLong.empty(),
          "" + e.getMessage(),
          e);
    }
  }
}
