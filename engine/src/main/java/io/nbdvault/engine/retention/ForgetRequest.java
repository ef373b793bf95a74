package io.nbdvault.engine.retention;

import java.util.List;
import java.util.Optional;

/** Which snapshots are to be forgotten. */
public sealed interface ForgetRequest {
  /**
   * Those that a policy does not keep.
   *
   * @param vm whose snapshots are looked at; empty for those of all VMs, each on its own
   */
  record ByPolicy(Optional<String> vm, RetentionPolicy policy) implements ForgetRequest {}

  /**
   * These, whatever they are.
   *
   * @param snapshots as {@link io.nbdvault.engine.catalog.SnapshotSelector} takes them
   */
  record Named(List<String> snapshots) implements ForgetRequest {
    /** Copies the list. */
    public Named {
      snapshots = List.copyOf(snapshots);
    }
  }
}
