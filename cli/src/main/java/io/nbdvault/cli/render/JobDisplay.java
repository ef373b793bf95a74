package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobListener;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Shows one job to whoever started it. Events may come from any thread; the other methods are
 * called once the job has ended.
 */
public interface JobDisplay extends JobListener, AutoCloseable {
  /** Sums up a restore that succeeded. */
  void restored(SnapshotRecord snapshot, Duration took);

  /**
   * Sums up a copy that succeeded.
   *
   * @param sizeBytes what was copied
   * @param dataBytes what of that was read, as it was not known to be zeroes
   */
  void copied(String source, String destination, long sizeBytes, long dataBytes, Duration took);

  /** Sums up a cleanup that succeeded. */
  void cleanedUp(Path qmpSocket);

  /**
   * Ends what is shown while a job runs. If a snapshot was committed, sums it up: also where the
   * backup then failed to put the VM back, since the snapshot is there.
   */
  @Override
  void close();
}
