package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The snapshots that a collection has condemned, a second time beside their states: one row each in
 * family {@code default}, under {@code condemned/} and the snapshot's id, in the same writes. So if
 * a state cannot be read it is still known that the snapshot's content may be gone: it must not be
 * taken for one that was protected.
 */
final class CondemnedRows {
  private static final byte[] PREFIX = "condemned/".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] VALUE = {1};

  /** What stands for a state that cannot be read; when it was forgotten is not known then. */
  static final SnapshotState STATE = new SnapshotState(false, Optional.of(Instant.EPOCH), true);

  private CondemnedRows() {}

  static void add(RowBatch batch, SnapshotId id) throws StoreException {
    batch.put(Family.DEFAULT, key(id), VALUE);
  }

  /** Takes a row away if there is one: nothing of the snapshot is left. */
  static void remove(RowBatch batch, SnapshotId id) throws StoreException {
    batch.delete(Family.DEFAULT, key(id));
  }

  /** The same in a database that a repair works on. */
  static void remove(RepairWriter writer, SnapshotId id) throws StoreException {
    writer.delete(Family.DEFAULT, key(id));
  }

  static boolean contains(Database database, SnapshotId id) throws StoreException {
    return database.get(Family.DEFAULT, key(id)) != null;
  }

  private static byte[] key(SnapshotId id) {
    byte[] idBytes = SnapshotFrame.key(id);
    return ByteBuffer.allocate(PREFIX.length + idBytes.length).put(PREFIX).put(idBytes).array();
  }

  /** All of them: as many as one collection has condemned and not yet taken away. */
  static Set<SnapshotId> read(Database database) throws StoreException {
    Set<SnapshotId> ids = new LinkedHashSet<>();
    PagedScan.forEach(
        database,
        Family.DEFAULT,
        PREFIX,
        "reading what is condemned",
        (key, value) -> {
          if (key.length == PREFIX.length + SnapshotId.BYTES) {
            ids.add(new SnapshotId(HexFormat.of().formatHex(key, PREFIX.length, key.length)));
          }
        });
    return ids;
  }
}
