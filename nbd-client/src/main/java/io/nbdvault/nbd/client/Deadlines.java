package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long one connection waits: for each reply as a whole, so that a server that trickles is not
 * waited for forever, and for any sign of life while something is in flight, so that a dead one is
 * noticed before the most patient request gives up. Used on one event loop only.
 */
final class Deadlines {
  private static final int CHECKS_PER_TIMEOUT = 8;
  private static final long CHECK_NANOS_MIN = 1_000_000;

  private final Duration requestTimeout;
  private final Duration progressTimeout;
  private final InFlight inFlight;
  private long lastSignNanos;

  Deadlines(NbdClientOptions options, InFlight inFlight) {
    this.requestTimeout = options.requestTimeout();
    this.progressTimeout = options.progressTimeout();
    this.inFlight = inFlight;
  }

  /** How often to look: a deadline is noticed by an eighth too late at most. */
  long checkNanos() {
    long shorter = Math.min(requestTimeout.toNanos(), progressTimeout.toNanos());
    return Math.max(shorter / CHECKS_PER_TIMEOUT, CHECK_NANOS_MIN);
  }

  /** A request that is in flight already is about to be sent. */
  void sending(Request request) {
    long now = System.nanoTime();
    request.deadlineNanos = now + requestTimeout.toNanos();
    if (inFlight.count() == 1) {
      lastSignNanos = now;
    }
  }

  /** The server sent a byte, or took a whole payload. */
  void signOfLife() {
    lastSignNanos = System.nanoTime();
  }

  /** Why the connection is to be given up now, or null. */
  @Nullable NbdDisconnectedException missed() {
    long now = System.nanoTime();
    Request late = inFlight.firstPast(now);
    if (late != null) {
      return new NbdDisconnectedException(late + ": no reply within " + requestTimeout);
    }
    if (!inFlight.isEmpty() && now - lastSignNanos > progressTimeout.toNanos()) {
      return new NbdDisconnectedException(
          "%d requests in flight, and nothing from the server within %s"
              .formatted(inFlight.count(), progressTimeout));
    }
    return null;
  }
}
