package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.engine.DiskDifference;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.pipeline.DiskWriting;
import io.nbdvault.engine.pipeline.LostRanges;
import io.nbdvault.engine.pipeline.Pipeline;
import io.nbdvault.engine.pipeline.ProgressMeter;
import java.io.IOException;
import java.util.Optional;

/**
 * Where one disk is written to. Writes and zeroes come from several threads, never overlapping.
 * Nothing counts before {@link #complete}; closing a target that was not completed takes back what
 * can be taken back.
 */
interface RestoreTarget extends DiskWriting.Target, AutoCloseable {

  /** What the user knows the target by. */
  String name();

  /** Whether what has not been written reads as zeroes already. */
  boolean startsZeroed();

  /**
   * A disk of a snapshot.
   *
   * @param name what the user knows it by
   * @param dataBytes how much of it is content
   */
  record Wanted(String name, DiskReader content, long dataBytes) {}

  /**
   * What has become of it.
   *
   * @param dataBytes how much content the target holds
   * @param difference what had to be changed, where the target was compared with the disk
   */
  record Filled(long dataBytes, Optional<DiskDifference> difference) {}

  /**
   * Makes the target hold a disk: here by writing all of it.
   *
   * @param lost gets what cannot be read, and zeroes are written there; empty if that is to end it
   */
  default Filled fill(
      Pipeline pipeline, Wanted disk, ProgressMeter meter, Optional<LostRanges> lost)
      throws JobException, IOException, InterruptedException {
    boolean zeroHoles = !startsZeroed();
    long dataBytes =
        new DiskWriting(pipeline, disk.name(), disk.content(), this, zeroHoles, meter, lost).run();
    return new Filled(dataBytes, Optional.empty());
  }

  /** Makes everything written durable. What has to be durable before {@link #publish} is then. */
  void complete() throws IOException, JobException, InterruptedException;

  /** Puts the completed target under its own name, where it was under a temporary one. */
  void publish() throws IOException;

  @Override
  void close() throws IOException;
}
