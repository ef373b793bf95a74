package io.nbdvault.chunkstore;

import java.time.Duration;
import java.util.List;

/**
 * What a collection did, or in a dry run what it would do.
 *
 * @param dryRun whether it only looked
 * @param resumed whether it first finished a collection that was killed
 * @param snapshotsReclaimed forgotten snapshots that are gone for good
 * @param chunksLive chunks that are kept
 * @param nodesLive tree nodes that are kept
 * @param recordsUnreachable records that nothing needs any more
 * @param unreachableBytes bytes of these records
 * @param recordsFreed those of them that were deleted; the rest is left for a later collection, as
 *     it lies where rewriting what is beside it would cost more than it gives, or where there was
 *     no room to rewrite it
 * @param freedBytes bytes of the records that were deleted, by estimate where some were left for
 *     want of room
 * @param returnedBytes bytes that were given back to the file system: of files that were taken away
 *     and lie nowhere else, less what was written in their place, whatever backups wrote meanwhile
 * @param rewrittenBytes bytes of files that were rewritten to get there
 * @param leftOut files that were not rewritten because they are damaged; everything else of them
 *     that can be read still can, and a repair puts it into files that are whole
 * @param indexLacksRoom whether the index was not rewritten, though it was worth it, because there
 *     was no room for it
 * @param markDuration time for finding what is reachable
 * @param sweepDuration time for all the rest
 */
public record CollectReport(
    boolean dryRun,
    boolean resumed,
    int snapshotsReclaimed,
    long chunksLive,
    long nodesLive,
    long recordsUnreachable,
    long unreachableBytes,
    long recordsFreed,
    long freedBytes,
    long returnedBytes,
    long rewrittenBytes,
    List<DamagedItem> leftOut,
    boolean indexLacksRoom,
    Duration markDuration,
    Duration sweepDuration) {
  /** Copies what it is given. */
  public CollectReport {
    leftOut = List.copyOf(leftOut);
  }
}
