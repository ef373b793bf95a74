package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreFailedException;
import java.util.concurrent.TimeUnit;

/** Ends long work of the store soon after its thread was interrupted. */
final class Interruption {
  private Interruption() {}

  /**
   * Checks, and leaves the thread interrupted.
   *
   * @param what the work, for the message
   */
  static void check(String what) throws StoreFailedException {
    if (Thread.currentThread().isInterrupted()) {
      throw new StoreFailedException("Interrupted while " + what + ".", null);
    }
  }

  /** Sleeps, unless the thread is interrupted. */
  static void sleep(long nanos, String what) throws StoreFailedException {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      check(what);
    }
  }
}
