package io.nbdvault.qmp;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers one session's events, in order, on a thread of its own, so that a listener may take its
 * time without stopping the event loop. The queue is bounded; who is full says so rather than lose
 * an event, for a lost BLOCK_JOB_ERROR would make a bad backup look good.
 */
final class EventDispatcher {
  static final int QUEUE_EVENTS_MAX = 4096;
  private static final Logger LOG = LoggerFactory.getLogger(EventDispatcher.class);

  private final List<Consumer<QmpEvent>> listeners = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final ThreadPoolExecutor executor;
  private final DispatchThreads threads = new DispatchThreads();

  EventDispatcher() {
    executor =
        new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(QUEUE_EVENTS_MAX), threads) {
          @Override
          protected void terminated() {
            drained.complete(null);
          }
        };
  }

  QmpSubscription add(Consumer<QmpEvent> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** Queues the event; returns false where the queue is full. */
  boolean offer(QmpEvent event) {
    if (listeners.isEmpty()) {
      return true;
    }
    try {
      executor.execute(() -> deliver(event));
      return true;
    } catch (RejectedExecutionException e) {
      return executor.isShutdown();
    }
  }

  /** Takes no more events; those queued are still delivered, then {@link #drained} completes. */
  void end() {
    executor.shutdown();
  }

  /** Completes when the last queued event was delivered after {@link #end}. */
  CompletableFuture<Void> drained() {
    return drained;
  }

  boolean onDispatchThread() {
    return threads.current() == Thread.currentThread();
  }

  private void deliver(QmpEvent event) {
    for (Consumer<QmpEvent> listener : listeners) {
      try {
        listener.accept(event);
      } catch (RuntimeException e) {
        LOG.warn("event listener failed event={}", event.name(), e);
      }
    }
  }
}
