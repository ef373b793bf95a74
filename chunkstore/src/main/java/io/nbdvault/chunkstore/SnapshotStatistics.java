package io.nbdvault.chunkstore;

import java.time.Duration;

/**
 * What a backup cost as a whole.
 *
 * @param duration from the start of the job to its commit
 */
public record SnapshotStatistics(Duration duration) {
  /** Checks that the duration is not negative. */
  public SnapshotStatistics {
    Checks.that(!duration.isNegative(), "duration", duration, ">= 0");
  }
}
