package io.nbdvault.engine.backup;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobException;
import java.util.Optional;

/**
 * How the backup of one of several VMs ended.
 *
 * @param vm the VM's name
 * @param snapshot what was committed; also where the VM could not be put back afterwards
 * @param failure why not all was done, if it was not
 */
public record BackupOutcome(
    String vm, Optional<SnapshotRecord> snapshot, Optional<Throwable> failure) {
  /** Checks that something came out of it. */
  public BackupOutcome {
    if (snapshot.isEmpty() && failure.isEmpty()) {
      throw new IllegalArgumentException("outcome: none (expected: a snapshot or a failure)");
    }
  }

  /** Whether nobody let it begin or end. */
  public boolean isCancelled() {
    return failure
        .filter(JobException.class::isInstance)
        .filter(cause -> ((JobException) cause).kind() == JobException.Kind.CANCELLED)
        .isPresent();
  }
}
