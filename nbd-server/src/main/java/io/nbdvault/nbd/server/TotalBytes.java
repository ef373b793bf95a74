package io.nbdvault.nbd.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The bytes in flight of all connections together. Who gets none waits, first come, first served,
 * so that many small requests do not starve a large one.
 */
final class TotalBytes {
  private final long maxBytes;

  @GuardedBy("this")
  private long takenBytes;

  @GuardedBy("this")
  private final Queue<Waiter> waiters = new ArrayDeque<>();

  /** One that waits; as an object, not as a value. */
  private static final class Waiter {
    final int bytes;
    final Runnable whenTaken;

    Waiter(int bytes, Runnable whenTaken) {
      this.bytes = bytes;
      this.whenTaken = whenTaken;
    }
  }

  TotalBytes(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /**
   * Takes bytes, or has them taken later.
   *
   * @param whenTaken called if they were not taken at once, on any thread, when they have been; who
   *     needs them no more then gives them back
   * @return whether they were taken at once
   */
  synchronized boolean take(int bytes, Runnable whenTaken) {
    if (waiters.isEmpty() && fits(bytes)) {
      takenBytes += bytes;
      return true;
    }
    waiters.add(new Waiter(bytes, whenTaken));
    return false;
  }

  /** Gives bytes back; calls whoever gets them. */
  void giveBack(int bytes) {
    List<Waiter> served = new ArrayList<>();
    synchronized (this) {
      takenBytes -= bytes;
      while (!waiters.isEmpty() && fits(waiters.element().bytes)) {
        Waiter waiter = waiters.remove();
        takenBytes += waiter.bytes;
        served.add(waiter);
      }
    }
    for (Waiter waiter : served) {
      waiter.whenTaken.run();
    }
  }

  /** The bytes that are taken now. */
  synchronized long takenBytes() {
    return takenBytes;
  }

  @GuardedBy("this")
  private boolean fits(int bytes) {
    return takenBytes == 0 || takenBytes + bytes <= maxBytes;
  }
}
