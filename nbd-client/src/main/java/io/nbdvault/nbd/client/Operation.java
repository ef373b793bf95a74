package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.nbd.NbdException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a caller asked for: a range, cut into requests one at a time as places in flight become
 * free. Several connections may work on one operation. Its future completes only when none of its
 * requests is in flight any more, so that nobody touches the caller's buffer afterwards.
 *
 * @param <T> what the future yields
 */
abstract class Operation<T> {
  private final CompletableFuture<T> future = new CompletableFuture<>();
  private final long endBytes;
  private final long requestBytesMax;

  @GuardedBy("this")
  private long nextBytes;

  @GuardedBy("this")
  private boolean exhausted;

  @GuardedBy("this")
  private int requestsInFlight;

  @GuardedBy("this")
  private @Nullable NbdException failure;

  Operation(long offsetBytes, long lengthBytes, long requestBytesMax) {
    this.nextBytes = offsetBytes;
    this.endBytes = offsetBytes + lengthBytes;
    this.requestBytesMax = requestBytesMax;
  }

  abstract Request request(long offsetBytes, long lengthBytes);

  /** Whether it may change what is read afterwards. */
  boolean changesContent() {
    return false;
  }

  /** The future's value, once every request has succeeded. */
  abstract @Nullable T result();

  /** What the caller's code threw, if it did. */
  static void rethrow(@Nullable Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
  }

  final CompletableFuture<T> future() {
    return future;
  }

  /** The next request, which counts as in flight from now on, or null if there is none. */
  final synchronized @Nullable Request take() {
    if (exhausted || failure != null) {
      return null;
    }
    long length = Math.min(requestBytesMax, endBytes - nextBytes);
    Request request = request(nextBytes, length);
    nextBytes += length;
    exhausted = nextBytes == endBytes;
    requestsInFlight++;
    return request;
  }

  /** Whether {@link #take} would yield a request. */
  final synchronized boolean hasMore() {
    return !exhausted && failure == null;
  }

  /** One request is over; null says that it succeeded. */
  final void finished(@Nullable NbdException requestFailure) {
    NbdException outcome;
    synchronized (this) {
      requestsInFlight--;
      if (failure == null) {
        failure = requestFailure;
      }
      if (requestsInFlight > 0 || (failure == null && !exhausted)) {
        return;
      }
      outcome = failure;
    }
    complete(outcome);
  }

  /** Issues no further request; fails now if none is in flight, otherwise with the last of them. */
  final void abort(NbdException reason) {
    NbdException outcome;
    synchronized (this) {
      if (failure == null) {
        failure = reason;
      }
      if (requestsInFlight > 0) {
        return;
      }
      outcome = failure;
    }
    complete(outcome);
  }

  private void complete(@Nullable NbdException outcome) {
    if (outcome != null) {
      future.completeExceptionally(outcome);
      return;
    }
    @Nullable T value;
    try {
      value = result();
    } catch (RuntimeException | Error e) {
      // The caller changed a buffer it had lent; that must not cost others their connection.
      future.completeExceptionally(e);
      return;
    }
    future.complete(value);
  }
}
