package io.nbdvault.engine;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.time.Instant;
import java.util.Optional;

/** What a job tells while it runs. Listeners are called from several threads, one at a time. */
public sealed interface JobEvent {

  /** A job has begun on a VM or a snapshot. */
  record Started(String job, String subject) implements JobEvent {}

  /** All disks are of this instant from here on; the guest goes on. */
  record PointInTime(Instant time, int disks, Consistency consistency) implements JobEvent {}

  /** A disk begins. {@code fullReason} says why a disk is read in full. */
  record DiskStarted(String disk, long sizeBytes, boolean incremental, Optional<String> fullReason)
      implements JobEvent {}

  /** A disk was left out, and why. */
  record DiskSkipped(String disk, String reason) implements JobEvent {}

  /**
   * How far a job is.
   *
   * @param doneBytes bytes moved, or, where disks are compared, gone through
   * @param expectedBytes bytes expected in all; an estimate, may be passed
   * @param newBytes bytes of content not seen before
   * @param duplicateBytes bytes of content the repository already had
   */
  record Progress(long doneBytes, long expectedBytes, long newBytes, long duplicateBytes)
      implements JobEvent {}

  /**
   * How far a job of several phases is in one of them. A phase that has begun is told at once.
   *
   * @param phase its name
   * @param done of what the phase counts
   * @param expected in all; an estimate; 0 where not even that is known
   * @param inBytes whether bytes are counted
   */
  record PhaseProgress(String phase, long done, long expected, boolean inBytes)
      implements JobEvent {}

  /** Something the person should know, and the job goes on. */
  record Warning(String message) implements JobEvent {}

  /** The snapshot is durable. */
  record Committed(SnapshotRecord snapshot) implements JobEvent {}

  /**
   * A disk is restored.
   *
   * @param difference what of the target differed, where it was compared
   */
  record Restored(
      String disk,
      String target,
      long sizeBytes,
      long dataBytes,
      Optional<DiskDifference> difference)
      implements JobEvent {
    /** One whose target was not compared. */
    public Restored(String disk, String target, long sizeBytes, long dataBytes) {
      this(disk, target, sizeBytes, dataBytes, Optional.empty());
    }
  }

  /** A part of a disk cannot be read; where it is restored, zeroes are written. */
  record Lost(DamagedRange range) implements JobEvent {}

  /** Something of ours was removed from a QEMU: a job, an export, a node, a bitmap, a file. */
  record Removed(String kind, String name) implements JobEvent {}
}
