package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.SnapshotRecord;

/**
 * A snapshot that a policy is to decide on.
 *
 * @param snapshot not forgotten yet
 * @param isProtected whether somebody has protected it
 */
public record RetentionCandidate(SnapshotRecord snapshot, boolean isProtected) {}
