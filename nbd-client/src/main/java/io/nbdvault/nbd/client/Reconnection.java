package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replaces lost connections on a thread of its own, nbd-reconnect, which lives as long as one is
 * missing. Attempts come at growing intervals until the timeout, which runs from the loss or from
 * the last success. What is behind a new connection must be the same export, in size, flags, block
 * sizes and metadata contexts; otherwise the client fails.
 */
final class Reconnection {
  private static final Logger LOG = LoggerFactory.getLogger(Reconnection.class);

  private final ConnectionPool pool;
  private final Reopener reopener;
  private final ExportInfo export;
  private final Duration timeout;

  @GuardedBy("this")
  private int missing;

  @GuardedBy("this")
  private boolean stopped;

  @GuardedBy("this")
  private @Nullable Thread thread;

  /** Opens one more connection to the same export; blocks. */
  interface Reopener {
    NbdHandshake.Entered open() throws NbdException;
  }

  Reconnection(ConnectionPool pool, Reopener reopener, ExportInfo export, Duration timeout) {
    this.pool = pool;
    this.reopener = reopener;
    this.export = export;
    this.timeout = timeout;
  }

  /**
   * A connection is gone for {@code reason}. On any thread.
   *
   * @return false if nobody will replace it
   */
  synchronized boolean lost(NbdException reason) {
    if (stopped) {
      return false;
    }
    missing++;
    if (thread == null) {
      Thread started = new Thread(() -> replaceAll(reason), "nbd-reconnect");
      started.setDaemon(true);
      thread = started;
      started.start();
    }
    return true;
  }

  /** Tries no more. On any thread. */
  synchronized void stop() {
    stopped = true;
    if (thread != null) {
      thread.interrupt();
    }
  }

  private void replaceAll(NbdException reason) {
    while (more()) {
      NbdException failure = replaceOne(reason);
      if (failure != null) {
        giveUp(failure);
        return;
      }
    }
  }

  private synchronized boolean more() {
    if (missing == 0 || stopped) {
      thread = null;
      return false;
    }
    return true;
  }

  private void giveUp(NbdException failure) {
    boolean fatal;
    synchronized (this) {
      // As long as another connection works, its loss is a reason to try again.
      fatal = !(failure instanceof NbdDisconnectedException) || !pool.hasConnections();
      stopped = stopped || fatal;
      missing = 0;
      thread = null;
    }
    LOG.warn("event=reconnect_failed fatal={} reason=\"{}\"", fatal, failure.getMessage());
    if (fatal) {
      pool.fail(failure);
    }
  }

  /** Null if a connection was replaced, or replacements are wanted no more. */
  private @Nullable NbdException replaceOne(NbdException reason) {
    long deadline = System.nanoTime() + timeout.toNanos();
    long pauseMillis = ClientLimits.RECONNECT_PAUSE_MILLIS_MIN;
    while (true) {
      NbdException last;
      try {
        return accept(reopener.open());
      } catch (NbdConnectException | NbdDisconnectedException | NbdServerException e) {
        // The server may be on its way up.
        last = e;
      } catch (NbdException e) {
        return e;
      }
      if (System.nanoTime() - deadline > 0) {
        return new NbdDisconnectedException(
            "%s; not connected again within %s: %s"
                .formatted(reason.getMessage(), timeout, last.getMessage()),
            last);
      }
      try {
        Thread.sleep(pauseMillis);
      } catch (InterruptedException e) {
        return null; // Stopped, which more() will say.
      }
      pauseMillis = Math.min(2 * pauseMillis, ClientLimits.RECONNECT_PAUSE_MILLIS_MAX);
    }
  }

  private @Nullable NbdException accept(NbdHandshake.Entered entered) {
    if (!entered.export().looksLike(export)) {
      Connector.abandon(entered.channel());
      return new NbdProtocolException(
          "the export changed while reconnecting: was " + export + ", is " + entered.export());
    }
    if (pool.add(entered)) {
      LOG.info("event=reconnected");
    } else {
      Connector.abandon(entered.channel());
    }
    synchronized (this) {
      missing--;
    }
    return null;
  }
}
