package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.SnapshotRecord;
import java.util.List;

/**
 * What a policy says of the snapshots of some VMs.
 *
 * @param decisions by VM, and of each VM the oldest first
 * @param alerts sentences on VMs that would lose most of the time that their snapshots cover
 */
public record RetentionPlan(List<RetentionDecision> decisions, List<String> alerts) {
  /** Copies the lists. */
  public RetentionPlan {
    decisions = List.copyOf(decisions);
    alerts = List.copyOf(alerts);
  }

  /** The snapshots that no rule keeps. */
  public List<SnapshotRecord> forgotten() {
    return decisions.stream()
        .filter(decision -> !decision.kept())
        .map(RetentionDecision::snapshot)
        .toList();
  }
}
