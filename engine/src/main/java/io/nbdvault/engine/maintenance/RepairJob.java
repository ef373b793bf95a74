package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyProgress;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import java.nio.file.Path;

/**
 * Repairs a repository: first its files, so that it can be opened and written to, then all of its
 * content is verified, and what is damaged is flagged.
 */
public final class RepairJob {
  /** Does something to a repository's files, which needs the repository for itself. */
  @FunctionalInterface
  public interface Alone<T> {
    /** Waits for the repository as long as the user wants. */
    T run(RepairListener listener) throws StoreException, JobException, InterruptedException;
  }

  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;
  private final PhaseMeter meter;

  public RepairJob(EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
    this.meter = new PhaseMeter(this.listener);
  }

  /**
   * What a repair came to.
   *
   * @param files what was done to the files
   * @param content what is damaged still
   */
  public record Outcome(RepairReport files, VerifyReport content) {}

  /**
   * Looks what there is to do, and changes nothing. Reads every file of the database.
   *
   * @param files makes the plan
   */
  public RepairPlan plan(Path repository, Alone<RepairPlan> files)
      throws StoreException, JobException, InterruptedException {
    listener.onEvent(new JobEvent.Started("repair", repository.toString()));
    return files.run(this::tell);
  }

  /**
   * Repairs.
   *
   * @param files repairs the files
   * @param writable opens the repository for writing once its files are repaired
   * @throws JobException when the job was cancelled; the files are repaired as a whole or not at
   *     all, whenever that is
   */
  public Outcome repair(Path repository, Alone<RepairReport> files, VerifyJob.Writable writable)
      throws JobException, StoreException, InterruptedException {
    listener.onEvent(new JobEvent.Started("repair", repository.toString()));
    RepairReport repaired = files.run(this::tell);
    cancellation.check();
    try (ChunkStore store = writable.open()) {
      VerifyReport content =
          store.verify(VerifyOptions.everything(limits.workers()), this::proceed);
      cancellation.check();
      return new Outcome(repaired, content);
    }
  }

  private void tell(String what, long done, long expected) {
    meter.tell(what, done, expected, false);
  }

  private boolean proceed(VerifyProgress progress) {
    return VerifyJob.proceed(progress, listener, cancellation);
  }
}
