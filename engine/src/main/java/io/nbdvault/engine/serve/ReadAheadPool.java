package io.nbdvault.engine.serve;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that read ahead, {@code read-ahead-N}. What does not fit into their queue is not read
 * ahead: then they are busy with what is wanted anyway.
 */
final class ReadAheadPool implements AutoCloseable {
  private static final long IDLE_SECONDS = 30;
  private static final long CLOSE_SECONDS_MAX = 20;

  private final ThreadPoolExecutor threads;

  ReadAheadPool(ServeLimits limits) {
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            limits.readAheadThreads(),
            limits.readAheadThreads(),
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(limits.readAheadTasksMax()),
            task -> {
              Thread thread = new Thread(task, "read-ahead-" + number.getAndIncrement());
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    threads.allowCoreThreadTimeOut(true);
  }

  void submit(Runnable task) {
    threads.execute(task);
  }

  /** How many have run. */
  long completed() {
    return threads.getCompletedTaskCount();
  }

  /** Drops what waits, and waits for what runs. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new IllegalStateException("read-ahead did not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
