package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reclaims what no snapshot needs. Backups into the same open store may go on beside it; stopped at
 * any instant it loses nothing, and the next one goes on from there.
 */
public final class CollectJob {
  private static final long INTERVAL_NANOS = 200_000_000;

  private final ChunkStore store;
  private final Cancellation cancellation;
  private final JobListener listener;

  /** Of the thread that collects. */
  private @Nullable Phase told;

  private long toldNanos;

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
      return store.collect(options, this::tell);
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

  private void tell(Phase phase, long done, long expected) {
    long now = System.nanoTime();
    if (phase == told && done < expected && now - toldNanos < INTERVAL_NANOS) {
      return;
    }
    told = phase;
    toldNanos = now;
    boolean bytes = phase == Phase.RECLAIM;
    listener.onEvent(
        new JobEvent.PhaseProgress(
            phase.name().toLowerCase(Locale.ROOT), done, Math.max(done, expected), bytes));
  }

  /** Interrupts this thread when the job is cancelled, but not once its work is over. */
  private static final class Interrupting {
    private final Thread thread = Thread.currentThread();
    private boolean over;
    private boolean interrupted;

    Interrupting(Cancellation cancellation) {
      cancellation.onCancel(this::interrupt);
    }

    private synchronized void interrupt() {
      if (!over) {
        interrupted = true;
        thread.interrupt();
      }
    }

    synchronized void end() {
      over = true;
      if (interrupted) {
        // What comes now, closing the store for one, is not to be interrupted.
        boolean unused = Thread.interrupted();
      }
    }
  }
}
