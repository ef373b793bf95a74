package io.nbdvault.chunkstore;

import java.time.Instant;
import java.util.Optional;

/**
 * What was decided about a snapshot after it was committed.
 *
 * @param isProtected whether it cannot be forgotten
 * @param forgotten when it was forgotten, to the second; empty if it was not
 * @param condemned whether a collection has begun to reclaim it; only a forgotten one can be
 */
public record SnapshotState(boolean isProtected, Optional<Instant> forgotten, boolean condemned) {
  /** Of a snapshot about which nothing was decided. */
  public static final SnapshotState KEPT = new SnapshotState(false, Optional.empty(), false);

  /** Of a snapshot that was protected and nothing else. */
  public static final SnapshotState PROTECTED = new SnapshotState(true, Optional.empty(), false);

  /** Checks that the three agree. */
  public SnapshotState {
    Checks.that(
        !isProtected || forgotten.isEmpty(), "protected snapshot", "forgotten", "not forgotten");
    Checks.that(
        !condemned || forgotten.isPresent(), "condemned snapshot", "not forgotten", "forgotten");
  }
}
