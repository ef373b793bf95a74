package io.nbdvault.engine.maintenance;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyPhase;
import io.nbdvault.chunkstore.VerifyProgress;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.catalog.SnapshotSelector;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Looks for damage. It reads beside backups, so it holds no lock for the hours that it may take;
 * only if something is damaged it asks for the repository, to flag it, and does without if somebody
 * else has it.
 */
public final class VerifyJob {
  /** Opens the repository for writing. */
  @FunctionalInterface
  public interface Writable {
    ChunkStore open() throws StoreException, JobException, InterruptedException;
  }

  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final JobListener listener;

  public VerifyJob(EngineLimits limits, Cancellation cancellation, JobListener listener) {
    this.limits = limits;
    this.cancellation = cancellation;
    this.listener = JobListener.serialized(listener);
  }

  /**
   * Verifies.
   *
   * @param store opened for reading only
   * @param writable opens the same repository for writing
   * @return what was found; damage is not an exception
   * @throws JobException when the request cannot be met, or the job was cancelled
   */
  public VerifyReport run(ChunkStore store, Writable writable, VerifyRequest request)
      throws JobException, StoreException, InterruptedException {
    VerifyOptions options =
        new VerifyOptions(
            select(store, request),
            request.samplePercent(),
            request.seed(),
            request.checksumsOnly(),
            limits.workers());
    listener.onEvent(new JobEvent.Started("verify", subject(options)));
    VerifyReport report = store.verify(options, this::proceed);
    cancellation.check();
    return report.contents().isEmpty() ? report : flag(writable, report);
  }

  private static Set<SnapshotId> select(ChunkStore store, VerifyRequest request)
      throws JobException, StoreException {
    Set<SnapshotId> ids = new LinkedHashSet<>();
    for (String text : request.snapshots()) {
      ids.add(SnapshotSelector.select(store, text).id());
    }
    return ids;
  }

  private static String subject(VerifyOptions options) {
    int count = options.snapshots().size();
    return count == 0 ? "all snapshots" : count + (count == 1 ? " snapshot" : " snapshots");
  }

  private boolean proceed(VerifyProgress progress) {
    return proceed(progress, listener, cancellation);
  }

  /** Tells how far a verification is. Returns false if the job was cancelled. */
  static boolean proceed(VerifyProgress progress, JobListener listener, Cancellation cancellation) {
    if (progress.phase() == VerifyPhase.RECORDS && progress.done() > 0) {
      double share = (double) progress.expected() / progress.done();
      long expectedBytes = (long) (progress.readBytes() * share);
      listener.onEvent(new JobEvent.Progress(progress.readBytes(), expectedBytes, 0, 0));
    }
    return !cancellation.isCancelled();
  }

  private VerifyReport flag(Writable writable, VerifyReport report)
      throws JobException, StoreException, InterruptedException {
    try (ChunkStore store = writable.open()) {
      return report.withFlagged(store.flagDamaged(report));
    } catch (RepositoryInUseException | WrongPasswordException e) {
      listener.onEvent(
          new JobEvent.Warning(
              "what is damaged could not be flagged, so that the next backup stores it anew: "
                  + JobException.sentence(e)));
      return report;
    } catch (DamagedException e) {
      listener.onEvent(
          new JobEvent.Warning(
              "the repository cannot be opened for writing, run nbdvault repair: "
                  + JobException.sentence(e)));
      return report;
    } catch (StoreException e) {
      // What was found must not be lost because it could not be written down.
      listener.onEvent(
          new JobEvent.Warning(
              "what is damaged could not be flagged: " + JobException.sentence(e)));
      return report;
    }
  }
}
