package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a repair makes of what was decided about snapshots, where tables are lost. Tables do not
 * show what was deleted, so an old decision cannot be told from the newest: being brought back is a
 * row that was deleted. Each case is decided so that nothing is reclaimed that may be wanted.
 *
 * <ul>
 *   <li>Condemned stays condemned, or becomes it again: nothing but the end of the snapshot follows
 *       that, and some of its content may be gone already.
 *   <li>Else protected stays protected, or becomes it again.
 *   <li>Else a snapshot that was forgotten is kept: perhaps it was brought back since.
 *   <li>One whose state cannot be read is protected: perhaps it was.
 * </ul>
 */
final class RepairStates {
  private RepairStates() {}

  /** The one of two states of a snapshot that a repair goes on with. */
  static SnapshotState merged(SnapshotState a, SnapshotState b) {
    return rank(a) >= rank(b) ? a : b;
  }

  private static int rank(SnapshotState state) {
    if (state.condemned()) {
      return 3;
    }
    if (state.isProtected()) {
      return 2;
    }
    return state.forgotten().isPresent() ? 1 : 0;
  }

  /** The state in a row of the catalog, or null if it cannot be read. */
  static @Nullable SnapshotState decode(byte[] key, byte[] row) {
    try {
      return SnapshotStateRow.decode(key, row);
    } catch (MalformedRecordException e) {
      return null;
    }
  }

  /**
   * Goes through all states once everything is put back.
   *
   * @param doubtful keys of the catalog about which something may be lost
   */
  static void settle(
      Database database, Predicate<byte[]> doubtful, RepairWriter writer, RepairLosses losses)
      throws StoreException {
    condemnAgain(database, writer);
    writer.write();
    RepairScan.forEach(
        database,
        Family.CATALOG,
        (key, row) -> {
          if (key.length == SnapshotStateRow.KEY_BYTES) {
            settle(key, row, doubtful, writer, losses);
          }
        });
    writer.write();
  }

  /**
   * Those that a collection has condemned, whatever has become of their states since: some of their
   * content may be gone.
   */
  private static void condemnAgain(Database database, RepairWriter writer) throws StoreException {
    for (SnapshotId id : CondemnedRows.read(database)) {
      byte[] key = SnapshotStateRow.key(id);
      byte[] row = database.get(Family.CATALOG, key);
      boolean present = row != null || database.get(Family.CATALOG, SnapshotFrame.key(id)) != null;
      SnapshotState state = row == null ? null : decode(key, row);
      if (!present) {
        // It had been deleted with the snapshot.
        CondemnedRows.remove(writer, id);
      } else if (state == null || !state.condemned()) {
        if (row != null) {
          writer.quarantine(Family.CATALOG, key, row);
        }
        writer.put(Family.CATALOG, key, SnapshotStateRow.encode(id, CondemnedRows.STATE));
      }
    }
  }

  private static void settle(
      byte[] key, byte[] row, Predicate<byte[]> doubtful, RepairWriter writer, RepairLosses losses)
      throws StoreException {
    SnapshotId id;
    try {
      id = SnapshotStateRow.idOf(key);
    } catch (MalformedRecordException e) {
      // Of no snapshot: nobody looks for it.
      return;
    }
    SnapshotState state = decode(key, row);
    if (state == null) {
      writer.quarantine(Family.CATALOG, key, row);
      writer.put(Family.CATALOG, key, SnapshotStateRow.encode(id, SnapshotState.PROTECTED));
      losses.protectedAnew(id);
    } else if (rank(state) == 1 && doubtful.test(key)) {
      writer.delete(Family.CATALOG, key);
      losses.broughtBack(id);
    }
  }
}
