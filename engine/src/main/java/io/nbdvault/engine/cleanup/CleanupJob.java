package io.nbdvault.engine.cleanup;

import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.qemu.Leftovers;

/**
 * Removes what a killed run left in a QEMU: jobs, exports, nodes, scratch files and export bitmaps.
 * Continues a guest that such a run's full scratch space has paused. Checkpoints stay, unless all
 * of ours are to go.
 */
public final class CleanupJob {
  private final EngineLimits limits;
  private final JobListener listener;

  public CleanupJob(EngineLimits limits, JobListener listener) {
    this.limits = limits;
    this.listener = JobListener.serialized(listener);
  }

  /** Cleans up; tells each thing it removes. */
  public void run(CleanupRequest request) throws JobException, InterruptedException {
    Leftovers.remove(request.qmpSocket(), request.all(), request.guestAgent(), limits, listener);
  }
}
