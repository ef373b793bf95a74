package io.nbdvault.engine.pipeline;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the disks of a job share: worker threads, the byte budget, buffers, and the switch that ends
 * the job. Its threads are {@code worker-N}; closing waits for them, with a deadline.
 */
public final class Pipeline implements AutoCloseable {
  private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(20);

  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final ExecutorService workers;
  private final ByteBudget budget;
  private final BufferPool buffers;

  public Pipeline(EngineLimits limits, Cancellation cancellation) {
    this.limits = limits;
    this.cancellation = cancellation;
    this.budget = new ByteBudget(limits.budgetBytes());
    this.buffers =
        new BufferPool(
            limits.requestBytesMax(), (int) (limits.budgetBytes() / limits.requestBytesMax()));
    AtomicInteger number = new AtomicInteger();
    this.workers =
        Executors.newFixedThreadPool(
            limits.workers(),
            task -> {
              Thread thread = new Thread(task, "worker-" + number.getAndIncrement());
              thread.setDaemon(true);
              return thread;
            });
  }

  EngineLimits limits() {
    return limits;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  ExecutorService workers() {
    return workers;
  }

  ByteBudget budget() {
    return budget;
  }

  BufferPool buffers() {
    return buffers;
  }

  /**
   * Waits for a part of the job, looking at the cancellation meanwhile.
   *
   * @throws JobException what the job was stopped for, or what this part failed with
   */
  <T> T await(Future<T> future, String what) throws JobException, InterruptedException {
    while (true) {
      cancellation.check(); // Also where no part ever takes long.
      try {
        return future.get(100, TimeUnit.MILLISECONDS);
      } catch (TimeoutException slow) {
        // Look at the cancellation, and wait on.
      } catch (ExecutionException failed) {
        fail(what, failed);
        cancellation.check();
      }
    }
  }

  /** Ends the job for this, unless an earlier failure has ended it and explains this one. */
  void fail(String what, Throwable failure) {
    cancellation.fail(JobException.failed(what, rootOf(failure)));
  }

  private static Throwable rootOf(Throwable wrapped) {
    Throwable cause = wrapped;
    while ((cause instanceof ExecutionException
            || cause instanceof java.util.concurrent.CompletionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Waits until nothing is under way any more; after a failure, too, so that buffers are ours. */
  void drain() throws JobException, InterruptedException {
    if (!budget.awaitAllReturned(DRAIN_TIMEOUT)) {
      throw JobException.failed(
          budget.leasedBytes()
              + " bytes were still under way "
              + DRAIN_TIMEOUT.toSeconds()
              + " s after the disk was closed");
    }
  }

  /** Drains after a failure, which stays what is reported. */
  void drainAfter(Throwable failure) {
    try {
      drain();
    } catch (JobException e) {
      failure.addSuppressed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    workers.shutdownNow();
    try {
      if (!workers.awaitTermination(DRAIN_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("workers did not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
