package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;

/**
 * Reclaims what no snapshot needs. Backups into the same open store may go on beside it; stopped at
 * any instant it loses nothing, and the next one goes on from there.
 */
public final class CollectJob {
  private final ChunkStore store;
  private final Cancellation cancellation;
  private final JobListener listener;

  public CollectJob(ChunkStore store, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /**
   * Collects.
   *
   * @throws JobException if it was cancelled, or if something that a snapshot needs is damaged, and
   *     so nothing was deleted
   */
  public CollectReport run(CollectOptions options) throws StoreException, JobException {
    cancellation.check();
    listener.onEvent(new JobEvent.Started("gc", store.config().repositoryId()));
    Interrupting interrupting = new Interrupting(cancellation);
    try {
      PhaseMeter meter = new PhaseMeter(listener);
      return store.collect(
          options,
          (phase, done, expected) ->
              meter.tell(phase, done, expected, phase == CollectListener.Phase.RECLAIM));
    } catch (DamagedException e) {
      throw JobException.failed(
          "nothing was deleted, as something that a snapshot needs is damaged (nbdvault verify"
              + " tells more)",
          e);
    } catch (StoreException e) {
      cancellation.check(); // Then that is the reason.
      throw e;
    } finally {
      interrupting.end();
    }
  }
}
