package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waiting for what the store does on another thread. */
public final class Awaiting {
  private Awaiting() {}

  /**
   * Waits for a result. If the thread is interrupted it stays so and the wait ends with {@link
   * StoreFailedException}.
   *
   * @throws StoreException what the future failed with
   */
  public static <T> T result(CompletableFuture<T> future) throws StoreException {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while waiting for the store.", e);
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  /**
   * Waits for a result, also while the thread is interrupted, which it then stays.
   *
   * @throws StoreException what the future failed with
   */
  public static <T> T uninterruptedResult(CompletableFuture<T> future) throws StoreException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw failure(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static StoreException failure(ExecutionException e) {
    return e.getCause() instanceof StoreException failure
        ? failure
        : new StoreFailedException("The store failed: " + e.getCause(), e);
  }
}
