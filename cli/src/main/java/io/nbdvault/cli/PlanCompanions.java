package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.maintenance.CollectJob;
import io.nbdvault.engine.restore.RestoreJob;
import io.nbdvault.engine.restore.RestoreRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What a plan asks for beside its backups, in the same store and at the same time: one collection,
 * on the thread {@code plan-gc}, and restores one after the other, on {@code plan-restore}. What
 * fails here touches nothing else.
 */
final class PlanCompanions implements AutoCloseable {
  private final ChunkStore store;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final PlanDisplay display;
  private final ExecutorService collecting = newThread("plan-gc");
  private final ExecutorService restoring = newThread("plan-restore");
  private final List<Future<List<String>>> running = new ArrayList<>();

  /**
   * @param limits of a restore
   */
  PlanCompanions(
      ChunkStore store, EngineLimits limits, Cancellation cancellation, PlanDisplay display) {
    this.store = store;
    this.limits = limits;
    this.cancellation = cancellation;
    this.display = display;
  }

  private static ExecutorService newThread(String name) {
    return Executors.newSingleThreadExecutor(
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  /** Begins what the plan asks for; called once. */
  void begin(BackupPlan plan) {
    if (plan.collects()) {
      running.add(collecting.submit(this::collect));
    }
    if (!plan.restores().isEmpty()) {
      running.add(restoring.submit(() -> restoreAll(plan.restores())));
    }
  }

  /**
   * Waits for all of it.
   *
   * @return what failed, and was told to the display
   */
  List<String> await() throws InterruptedException {
    List<String> failed = new ArrayList<>();
    for (Future<List<String>> one : running) {
      try {
        failed.addAll(one.get());
      } catch (ExecutionException e) {
        throw new IllegalStateException("what became of it was lost", e.getCause());
      }
    }
    return failed;
  }

  private List<String> collect() {
    try {
      display.collected(
          new CollectJob(store, cancellation, display.collectionListener())
              .run(CollectOptions.defaults()));
      return List.of();
    } catch (Throwable e) { // Also a bug in it must not hide what became of the backups.
      display.collectionFailed(e);
      return List.of("gc");
    }
  }

  private List<String> restoreAll(List<RestoreRequest> requests) {
    List<String> failed = new ArrayList<>();
    for (RestoreRequest request : requests) {
      if (!restore(request)) {
        failed.add("restore to " + request.to());
      }
    }
    return failed;
  }

  private boolean restore(RestoreRequest request) {
    long startNanos = System.nanoTime();
    var listener = display.restoreListener(request.to());
    // Its own, as the first failure of a job sets the job's.
    Cancellation own = new Cancellation();
    cancellation.onCancel(own::cancel);
    try {
      own.check();
      RestoreJob job = new RestoreJob(store, limits, own, listener);
      SnapshotRecord snapshot = job.run(request);
      display.restored(request.to(), snapshot, Duration.ofNanos(System.nanoTime() - startNanos));
      // What was written as zeroes instead is listed, but that is not what was asked for.
      return job.lostBytes() == 0;
    } catch (Throwable e) { // As above.
      display.restoreFailed(request.to(), e);
      return false;
    }
  }

  /** Has both threads end; a job that is still under way ends at its next look. */
  @Override
  public void close() {
    collecting.shutdownNow();
    restoring.shutdownNow();
  }
}
