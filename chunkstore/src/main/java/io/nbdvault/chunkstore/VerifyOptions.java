package io.nbdvault.chunkstore;

import java.util.Set;

/**
 * What is verified, and how.
 *
 * @param snapshots those whose content is checked; empty for all, and then every record that the
 *     index knows is checked as well
 * @param samplePercent how many of the records are read, more than 0 and at most 100; the trees are
 *     always walked as a whole
 * @param seed decides which records belong to the sample
 * @param checksumsOnly whether only the records' checksums are checked: that needs no key and no
 *     decompression, and notices what a disk did, not what a forger did
 * @param workers threads that check, 1 to {@link #WORKERS_MAX}
 */
public record VerifyOptions(
    Set<SnapshotId> snapshots,
    double samplePercent,
    long seed,
    boolean checksumsOnly,
    int workers) {
  /** Most threads. */
  public static final int WORKERS_MAX = 64;

  /** Everything. */
  public static final double ALL_PERCENT = 100;

  /** Checks the bounds given above. */
  public VerifyOptions {
    snapshots = Set.copyOf(snapshots);
    Checks.that(
        samplePercent > 0 && samplePercent <= ALL_PERCENT,
        "sample",
        samplePercent,
        "more than 0 and at most 100 percent");
    Checks.that(workers >= 1 && workers <= WORKERS_MAX, "workers", workers, "1 to " + WORKERS_MAX);
  }

  /** Every snapshot and every record, by so many threads. */
  public static VerifyOptions everything(int workers) {
    return new VerifyOptions(Set.of(), ALL_PERCENT, 0, false, workers);
  }

  /** Whether a part of the records is left out. */
  public boolean isSample() {
    return samplePercent < ALL_PERCENT;
  }
}
