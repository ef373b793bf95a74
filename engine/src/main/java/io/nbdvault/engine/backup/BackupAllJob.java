package io.nbdvault.engine.backup;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.source.BackupRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Backs up several VMs into one store, some at a time. Each is a {@link BackupJob} of its own: one
 * that fails does not touch the others. Its threads are {@code backup-N}.
 */
public final class BackupAllJob {
  /** The most VMs at a time: each has threads, connections and a part of the memory. */
  public static final int PARALLEL_MAX = 16;

  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final Observer observer;

  /** Hears of each VM. Called from several threads at once. */
  public interface Observer {
    /** Who hears the events of that VM's backup. */
    JobListener listener(String vm);

    /** The VM's backup has ended; no event of it follows. */
    void ended(BackupOutcome outcome);
  }

  /**
   * @param limits of all of them together
   */
  public BackupAllJob(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, Observer observer) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.observer = observer;
  }

  /**
   * Runs the backups and waits for all of them. Where the user asks to stop, those that are under
   * way put their VMs back and those that have not begun do not.
   *
   * @param requests of distinct VMs
   * @param parallel how many at a time, 1 to {@value #PARALLEL_MAX}
   * @return an outcome for each request, in their order
   * @throws InterruptedException when this thread is interrupted; all of them have ended by then
   */
  public List<BackupOutcome> run(List<BackupRequest> requests, int parallel)
      throws InterruptedException {
    if (parallel < 1 || parallel > PARALLEL_MAX) {
      throw new IllegalArgumentException(
          "parallel: " + parallel + " (expected: 1 to " + PARALLEL_MAX + ")");
    }
    int threads = Math.max(1, Math.min(parallel, requests.size()));
    EngineLimits share = limits.forOneOf(threads);
    ExecutorService executor = newExecutor(threads);
    try {
      List<Future<BackupOutcome>> running = new ArrayList<>();
      for (BackupRequest request : requests) {
        running.add(executor.submit(() -> runOne(request, share)));
      }
      return awaitAll(running);
    } finally {
      executor.shutdown();
    }
  }

  private static ExecutorService newExecutor(int threads) {
    AtomicInteger number = new AtomicInteger();
    return Executors.newFixedThreadPool(
        threads,
        task -> {
          Thread thread = new Thread(task, "backup-" + number.getAndIncrement());
          thread.setDaemon(true);
          return thread;
        });
  }

  private List<BackupOutcome> awaitAll(List<Future<BackupOutcome>> running)
      throws InterruptedException {
    Optional<InterruptedException> interrupted = Optional.empty();
    List<BackupOutcome> outcomes = new ArrayList<>();
    while (outcomes.size() < running.size()) {
      try {
        outcomes.add(running.get(outcomes.size()).get());
      } catch (InterruptedException e) {
        cancellation.cancel();
        interrupted = Optional.of(e);
      } catch (ExecutionException e) {
        throw new IllegalStateException("a backup's outcome was lost", e.getCause());
      }
    }
    if (interrupted.isPresent()) {
      throw interrupted.get();
    }
    return outcomes;
  }

  private BackupOutcome runOne(BackupRequest request, EngineLimits share) {
    AtomicReference<@Nullable SnapshotRecord> committed = new AtomicReference<>();
    Optional<Throwable> failure = Optional.empty();
    try {
      JobListener listener = observer.listener(request.vm());
      run(
          request,
          share,
          event -> {
            if (event instanceof JobEvent.Committed commit) {
              committed.set(commit.snapshot());
            }
            listener.onEvent(event);
          });
    } catch (Throwable e) { // Also a bug or a lack of memory in one must not hide the others.
      failure = Optional.of(e);
    }
    BackupOutcome outcome =
        new BackupOutcome(request.vm(), Optional.ofNullable(committed.get()), failure);
    observer.ended(outcome);
    return outcome;
  }

  private void run(BackupRequest request, EngineLimits share, JobListener listener)
      throws Exception {
    cancellation.check();
    // Its own, as the first failure of a job sets the job's.
    Cancellation own = new Cancellation();
    cancellation.onCancel(own::cancel);
    SnapshotRecord unused = new BackupJob(store, share, own, listener).run(request);
  }
}
