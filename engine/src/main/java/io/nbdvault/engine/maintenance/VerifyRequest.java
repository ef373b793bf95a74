package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.VerifyOptions;
import java.util.List;

/**
 * What is to be verified.
 *
 * @param snapshots as the user names them; empty for all
 * @param samplePercent how many of the records are read, more than 0 and at most 100
 * @param seed decides which
 * @param checksumsOnly whether the records' checksums are enough
 */
public record VerifyRequest(
    List<String> snapshots, double samplePercent, long seed, boolean checksumsOnly) {
  /** Everything, once. */
  public static VerifyRequest everything() {
    return new VerifyRequest(List.of(), VerifyOptions.ALL_PERCENT, 0, false);
  }

  /** Copies the names. */
  public VerifyRequest {
    snapshots = List.copyOf(snapshots);
  }
}
