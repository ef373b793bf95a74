package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Keeps work below so many bytes a second, by waiting after each piece of it.
 *
 * @param bytesPerSecond the limit; empty for none
 */
record Pace(OptionalLong bytesPerSecond) {
  /**
   * Waits until a piece of work has taken as long as it must.
   *
   * @param bytes that were read and rewritten
   * @param begunNanos when it began, by {@link System#nanoTime}
   */
  void await(long bytes, long begunNanos) throws StoreException {
    if (bytesPerSecond.isEmpty()) {
      return;
    }
    double seconds = (double) bytes / bytesPerSecond.getAsLong();
    long nanos = (long) (seconds * TimeUnit.SECONDS.toNanos(1)) - (System.nanoTime() - begunNanos);
    if (nanos > 0) {
      Interruption.sleep(nanos, "reclaiming");
    }
  }
}
