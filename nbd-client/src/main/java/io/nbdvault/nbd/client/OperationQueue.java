package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.nbd.NbdException;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations that still have requests to send, first come, first served. Connections take from it
 * as they have room, so a slow connection does not hold back what a fast one could do. Lock order:
 * this queue, then an operation.
 */
final class OperationQueue {
  @GuardedBy("this")
  private final ArrayDeque<Operation<?>> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private @Nullable NbdException closedBy;

  /**
   * Adds an operation; if the queue is closed, the operation fails with the reason for that.
   *
   * @throws IllegalStateException if {@link ClientLimits#QUEUED_OPERATIONS_MAX} are waiting
   */
  void offer(Operation<?> operation) {
    NbdException reason;
    synchronized (this) {
      reason = closedBy;
      if (reason == null) {
        if (waiting.size() >= ClientLimits.QUEUED_OPERATIONS_MAX) {
          throw new IllegalStateException(
              "operations waiting: "
                  + waiting.size()
                  + " (expected: < "
                  + ClientLimits.QUEUED_OPERATIONS_MAX
                  + ")");
        }
        waiting.add(operation);
      }
    }
    if (reason != null) {
      operation.abort(reason);
    }
  }

  /** The next request to send, or null if there is none. */
  synchronized @Nullable Request take() {
    for (Operation<?> first = waiting.peek(); first != null; first = waiting.peek()) {
      Request request = first.take();
      if (!first.hasMore()) {
        waiting.remove();
      }
      if (request != null) {
        return request;
      }
    }
    return null;
  }

  synchronized boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** Fails what is waiting and all that comes from now on; only the first reason counts. */
  void close(NbdException reason) {
    List<Operation<?>> left;
    synchronized (this) {
      if (closedBy != null) {
        return;
      }
      closedBy = reason;
      left = List.copyOf(waiting);
      waiting.clear();
    }
    left.forEach(operation -> operation.abort(reason));
  }
}
