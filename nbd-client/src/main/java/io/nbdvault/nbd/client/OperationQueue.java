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

  // Requests whose connection was lost, to be sent on another; never more than were in flight.
  @GuardedBy("this")
  private final ArrayDeque<Request> returned = new ArrayDeque<>();

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

  /**
   * Takes a request back that is to be sent again, before all others.
   *
   * @return false if the queue is closed
   */
  synchronized boolean putBack(Request request) {
    return closedBy == null && returned.add(request);
  }

  /** The next request to send, or null if there is none. */
  synchronized @Nullable Request take() {
    if (!returned.isEmpty()) {
      return returned.remove();
    }
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
    return waiting.isEmpty() && returned.isEmpty();
  }

  /** Fails what is waiting and all that comes from now on; only the first reason counts. */
  void close(NbdException reason) {
    List<Operation<?>> left;
    List<Request> unsent;
    synchronized (this) {
      if (closedBy != null) {
        return;
      }
      closedBy = reason;
      left = List.copyOf(waiting);
      waiting.clear();
      unsent = List.copyOf(returned);
      returned.clear();
    }
    unsent.forEach(request -> request.operation().finished(reason));
    left.forEach(operation -> operation.abort(reason));
  }
}
