package io.nbdvault.nbd.server;

import io.netty.channel.EventLoop;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts one connection's requests in flight and their bytes. Used on its event loop only. */
final class InFlight {
  private static final Logger LOG = LoggerFactory.getLogger(InFlight.class);

  private final int requestsMax;
  private final int bytesMax;
  private final TotalBytes total;
  private final EventLoop loop;
  private final Runnable whenNotWaiting;
  private int requests;
  private long bytesInFlight;
  private int waitingBytes;
  private @Nullable Runnable waiting;
  private boolean isTotalAsked;
  private boolean isClosed;

  /**
   * Nothing is in flight.
   *
   * @param whenNotWaiting called when a request that waited for bytes has got them
   */
  InFlight(ServerLimits limits, TotalBytes total, EventLoop loop, Runnable whenNotWaiting) {
    this.requestsMax = limits.requestsMax();
    this.bytesMax = limits.requestBytesMax();
    this.total = total;
    this.loop = loop;
    this.whenNotWaiting = whenNotWaiting;
  }

  boolean hasPlace() {
    return requests < requestsMax;
  }

  boolean isEmpty() {
    return requests == 0;
  }

  /** Whether a request waits for its bytes. */
  boolean isWaiting() {
    return waiting != null;
  }

  /** Counts one more request. */
  void add() {
    requests++;
  }

  /** Takes bytes for the last request, now or later, and goes on with it then. */
  void take(int bytes, Runnable whenTaken) {
    waitingBytes = bytes;
    waiting = whenTaken;
    tryTake();
  }

  private void tryTake() {
    boolean fits = bytesInFlight == 0 || bytesInFlight + waitingBytes <= bytesMax;
    if (waiting == null || isTotalAsked || !fits) {
      return;
    }
    isTotalAsked = true;
    int bytes = waitingBytes;
    if (total.take(bytes, () -> takenLater(bytes))) {
      taken();
    }
  }

  /** On any thread. */
  private void takenLater(int bytes) {
    try {
      loop.execute(
          () -> {
            if (isClosed) {
              total.giveBack(bytes);
            } else {
              taken();
              whenNotWaiting.run();
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.debug("event=bytes_not_needed bytes={}", bytes, e);
      total.giveBack(bytes);
    }
  }

  private void taken() {
    Runnable next = waiting;
    waiting = null;
    isTotalAsked = false;
    bytesInFlight += waitingBytes;
    if (next != null) {
      next.run();
    }
  }

  /**
   * Counts one request less.
   *
   * @param bytes what was taken for it
   */
  void remove(int bytes) {
    requests--;
    bytesInFlight -= bytes;
    if (bytes > 0) {
      total.giveBack(bytes);
    }
    if (!isClosed) {
      tryTake();
    }
  }

  /** What waits is needed no more. */
  void close() {
    isClosed = true;
    waiting = null;
  }
}
