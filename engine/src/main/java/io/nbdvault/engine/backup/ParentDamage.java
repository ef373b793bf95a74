package io.nbdvault.engine.backup;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.source.VmHistory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps a backup from building upon a disk of an earlier snapshot that is known to be damaged: the
 * new snapshot would inherit the damage, also in what has not changed. Such a disk is read in full,
 * and what of the damaged content is met again is stored anew, for the earlier snapshots too.
 *
 * <p>While the store knows of no damage this costs nothing. Else it reads the nodes of the trees of
 * this VM's disks once for each backup: one node for 128 chunks, and no chunk.
 */
final class ParentDamage {
  private final ChunkStore store;
  private final JobListener listener;
  private final Map<String, String> reasons = new HashMap<>();

  ParentDamage(ChunkStore store, JobListener listener) {
    this.store = store;
    this.listener = listener;
  }

  /** The history without what is known to be damaged, and with what was found by {@link #met}. */
  VmHistory without(VmHistory history) throws StoreException {
    if (store.knowsDamage()) {
      for (VmHistory.Entry entry : history.disks()) {
        if (!reasons.containsKey(entry.disk().name()) && isDamaged(entry)) {
          note(entry);
        }
      }
    }
    return history.withDamaged(reasons);
  }

  /**
   * A backup came upon damage in what a disk continues from.
   *
   * @return whether that is news: then the backup can begin again, without it
   */
  boolean met(VmHistory.Entry entry, DamagedException damage) throws StoreException {
    if (reasons.containsKey(entry.disk().name())) {
      return false;
    }
    long unused = store.flagDamaged(damage.content().stream().toList());
    boolean unusedToo = isDamaged(entry);
    note(entry);
    return true;
  }

  /** Flags what is not flagged yet: else it would count as present, and not be stored anew. */
  private boolean isDamaged(VmHistory.Entry entry) throws StoreException {
    List<DamagedContent> found = store.findDamage(entry.snapshot(), entry.disk().name());
    long unused = store.flagDamaged(found);
    return !found.isEmpty();
  }

  private void note(VmHistory.Entry entry) {
    String snapshot = entry.snapshot().shortForm();
    reasons.put(entry.disk().name(), "snapshot " + snapshot + " is damaged");
    listener.onEvent(
        new JobEvent.Warning(
            "disk "
                + entry.disk().name()
                + " is damaged in snapshot "
                + snapshot
                + ", so this backup does not build upon it: the disk is read in full, and damaged"
                + " content that it still has is stored anew"));
  }
}
