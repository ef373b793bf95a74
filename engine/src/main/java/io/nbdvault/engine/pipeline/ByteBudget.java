package io.nbdvault.engine.pipeline;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import java.time.Duration;

/**
 * The one rule of back-pressure: nothing is read without a lease on these bytes, and a lease is
 * returned when its bytes are stored, written or dropped. So what a job holds in memory is bounded,
 * whatever the size of the disk.
 */
public final class ByteBudget {
  private final long capacityBytes;

  @GuardedBy("this")
  private long leasedBytes;

  public ByteBudget(long capacityBytes) {
    if (capacityBytes <= 0) {
      throw new IllegalArgumentException("capacityBytes: " + capacityBytes + " (expected: > 0)");
    }
    this.capacityBytes = capacityBytes;
  }

  /**
   * Takes a lease, waiting until there is room. A lease larger than the budget is granted when
   * nothing else is leased, so that one large chunk cannot wait for ever.
   *
   * @throws JobException what the job was stopped for, while waiting
   */
  public synchronized void lease(long bytes, Cancellation cancellation)
      throws JobException, InterruptedException {
    cancellation.check();
    while (leasedBytes > 0 && leasedBytes + bytes > capacityBytes) {
      wait(100); // The cancellation does not notify: look at it from time to time.
      cancellation.check();
    }
    leasedBytes += bytes;
  }

  /** Returns a lease. Any thread. */
  public synchronized void release(long bytes) {
    if (bytes > leasedBytes) {
      throw new IllegalStateException("returned " + bytes + " bytes of " + leasedBytes + " leased");
    }
    leasedBytes -= bytes;
    notifyAll();
  }

  public synchronized long leasedBytes() {
    return leasedBytes;
  }

  /** Waits until every lease is back; false when {@code timeout} passed first. */
  public synchronized boolean awaitAllReturned(Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (leasedBytes > 0) {
      long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
      if (leftMillis <= 0) {
        return false;
      }
      wait(leftMillis);
    }
    return true;
  }
}
