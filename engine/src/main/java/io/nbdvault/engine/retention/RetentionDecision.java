package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.SnapshotRecord;
import java.util.List;

/**
 * What a policy says of one snapshot.
 *
 * @param reasons why it is kept; none if it is to be forgotten
 */
public record RetentionDecision(SnapshotRecord snapshot, List<KeepReason> reasons) {
  /** Copies the list. */
  public RetentionDecision {
    reasons = List.copyOf(reasons);
  }

  /** Whether the snapshot is kept. */
  public boolean kept() {
    return !reasons.isEmpty();
  }
}
