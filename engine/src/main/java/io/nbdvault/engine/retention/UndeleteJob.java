package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Brings forgotten snapshots back. */
public final class UndeleteJob {
  private final ChunkStore store;

  public UndeleteJob(ChunkStore store) {
    this.store = store;
  }

  /**
   * Brings back. Each one is durably there again before the next is begun.
   *
   * @param names as {@link SnapshotSelector} takes them, which sees the forgotten ones only
   * @return those that are back
   * @throws JobException of kind {@code BAD_REQUEST}, before anything is changed, if one is not
   *     among the forgotten, or a collection has begun to reclaim it
   */
  public Set<SnapshotRecord> run(List<String> names) throws StoreException, JobException {
    List<CatalogEntry> forgotten =
        store.catalog().stream().filter(entry -> !entry.isKept()).toList();
    Set<SnapshotRecord> chosen = new LinkedHashSet<>();
    for (String name : names) {
      chosen.add(choose(forgotten, name));
    }
    for (SnapshotRecord snapshot : chosen) {
      try {
        store.undelete(snapshot.id());
      } catch (NoSuchSnapshotException e) {
        throw tooLate(snapshot); // A collection has begun since.
      }
    }
    return chosen;
  }

  private static SnapshotRecord choose(List<CatalogEntry> forgotten, String name)
      throws JobException {
    SnapshotRecord snapshot;
    try {
      snapshot =
          SnapshotSelector.select(forgotten.stream().map(CatalogEntry::record).toList(), name);
    } catch (JobException e) {
      throw new JobException(
          e.kind(), "among the forgotten snapshots: " + JobException.sentence(e), e);
    }
    boolean condemned =
        forgotten.stream()
            .anyMatch(entry -> entry.record().equals(snapshot) && entry.state().condemned());
    if (condemned) {
      throw tooLate(snapshot);
    }
    return snapshot;
  }

  private static JobException tooLate(SnapshotRecord snapshot) {
    return JobException.badRequest(
        "snapshot "
            + snapshot.id().shortForm()
            + " cannot be brought back any more: a collection has begun to reclaim it");
  }
}
