package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobListener;

/**
 * What a source needs to know of the job that opens it.
 *
 * @param repositoryId 32 hex digits; whose bitmaps are ours
 * @param snapshotId the id the snapshot will have; its checkpoints are named after it
 */
public record SourceContext(
    String repositoryId,
    SnapshotId snapshotId,
    VmHistory history,
    EngineLimits limits,
    Cancellation cancellation,
    JobListener listener) {}
