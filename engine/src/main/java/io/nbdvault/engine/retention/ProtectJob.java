package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Protects snapshots from being forgotten, or no longer. */
public final class ProtectJob {
  private final ChunkStore store;

  public ProtectJob(ChunkStore store) {
    this.store = store;
  }

  /**
   * Protects, or ends the protection. Each one is durably so before the next is begun.
   *
   * @param names as {@link SnapshotSelector} takes them
   * @return those that are now as wanted
   * @throws JobException of kind {@code BAD_REQUEST}, before anything is changed, if one is not
   *     there
   */
  public Set<SnapshotRecord> run(List<String> names, boolean isProtected)
      throws StoreException, JobException {
    Set<SnapshotRecord> chosen = new LinkedHashSet<>();
    for (String name : names) {
      chosen.add(SnapshotSelector.select(store, name));
    }
    for (SnapshotRecord snapshot : chosen) {
      store.setProtected(snapshot.id(), isProtected);
    }
    return chosen;
  }
}
