package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;

/** Adds up what a store holds, and for whom. */
public final class StatisticsJob {
  private final ChunkStore store;
  private final Cancellation cancellation;
  private final PhaseMeter meter;

  public StatisticsJob(ChunkStore store, Cancellation cancellation, JobListener listener) {
    this.store = store;
    this.cancellation = cancellation;
    this.meter = new PhaseMeter(listener);
  }

  /**
   * Adds up.
   *
   * @throws JobException if it was cancelled
   */
  public StoreStatistics run() throws StoreException, JobException {
    cancellation.check();
    Interrupting interrupting = new Interrupting(cancellation);
    try {
      return store.statistics((phase, done, expected) -> meter.tell(phase, done, expected, false));
    } catch (StoreException e) {
      cancellation.check(); // Then that is the reason.
      throw e;
    } finally {
      interrupting.end();
    }
  }
}
