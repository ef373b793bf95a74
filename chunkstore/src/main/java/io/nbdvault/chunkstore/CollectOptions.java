package io.nbdvault.chunkstore;

import java.util.OptionalLong;

/**
 * How a collection is done.
 *
 * @param dryRun only look: nothing is condemned, deleted or written, and the store may be open for
 *     reading only. Then what was stored since the repository was last opened for writing counts as
 *     needed, as the process that stores it may not be done
 * @param rateLimitBytesPerSecond most bytes that are checked and rewritten a second, from 1; empty
 *     for no limit. While the index is rewritten, what backups write is under the same limit
 */
public record CollectOptions(boolean dryRun, OptionalLong rateLimitBytesPerSecond) {
  /** Checks the bounds given above. */
  public CollectOptions {
    if (rateLimitBytesPerSecond.isPresent()) {
      long limit = rateLimitBytesPerSecond.getAsLong();
      Checks.that(limit >= 1, "rate limit", limit, ">= 1 byte a second");
    }
  }

  /** For real, and without a limit. */
  public static CollectOptions defaults() {
    return new CollectOptions(false, OptionalLong.empty());
  }
}
