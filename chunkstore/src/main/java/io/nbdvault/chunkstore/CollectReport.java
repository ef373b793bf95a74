package io.nbdvault.chunkstore;

import java.time.Duration;

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
 * @param returnedBytes by how much the database's files got smaller meanwhile; may be negative if
 *     backups went on
 * @param rewrittenBytes bytes of files that were rewritten to get there
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
    Duration markDuration,
    Duration sweepDuration) {}
