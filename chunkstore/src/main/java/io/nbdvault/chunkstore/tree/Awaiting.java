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
      if (e.getCause() instanceof StoreException failure) {
        throw failure;
      }
      throw new StoreFailedException("The store failed: " + e.getCause(), e);
    }
  }
}
