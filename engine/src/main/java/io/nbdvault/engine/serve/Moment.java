package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The repository as it was when it was opened.
 *
 * @param commits of the repository just before that
 * @param snapshots in the order of their commits
 * @param openingNanos how long it took to open
 * @param sharedPrefixes of ids: the short forms that more than one snapshot has
 */
record Moment(
    ChunkStore store,
    OptionalLong commits,
    List<SnapshotRecord> snapshots,
    long openingNanos,
    Set<String> sharedPrefixes) {

  static Moment open(StoreSource source, OptionalLong commits) throws StoreException {
    long start = System.nanoTime();
    ChunkStore store = source.open();
    boolean opened = false;
    try {
      List<SnapshotRecord> snapshots = store.snapshots();
      long nanos = System.nanoTime() - start;
      Moment moment = new Moment(store, commits, snapshots, nanos, sharedPrefixes(snapshots));
      opened = true;
      return moment;
    } finally {
      if (!opened) {
        store.close();
      }
    }
  }

  /** The id as short as it can be shown and still be found. */
  String shown(SnapshotId id) {
    return sharedPrefixes.contains(id.shortForm()) ? id.hex() : id.shortForm();
  }

  private static Set<String> sharedPrefixes(List<SnapshotRecord> snapshots) {
    Set<String> seen = new HashSet<>();
    Set<String> shared = new HashSet<>();
    for (SnapshotRecord snapshot : snapshots) {
      String prefix = snapshot.id().shortForm();
      if (!seen.add(prefix)) {
        shared.add(prefix);
      }
    }
    return Set.copyOf(shared);
  }
}
