package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.IndexKey;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * The right of one thread to look up some content and to write its row, while every other that
 * meets the same content waits for what it decides. A decision takes no longer than a look-up, a
 * compression and the wait for room in the writer's queue; the claim ends when the row is written.
 */
final class Claim {
  /** What the thread that has the claim came to. */
  enum Decision {
    /** The store has the content, and its row has the claim's epoch or a later one. */
    PRESENT,
    /** Row, or row and content, are in the writer's queue; {@link #stored} tells the rest. */
    SUBMITTED,
    /** The thread failed before that, or took the row away: somebody else must claim. */
    ABANDONED
  }

  private final IndexKey key;
  private final long epoch;
  private final CompletableFuture<StoredChunk> stored = new CompletableFuture<>();
  private final CountDownLatch decided = new CountDownLatch(1);
  private volatile Decision decision = Decision.ABANDONED;

  /**
   * Makes a claim.
   *
   * @param epoch that the row will have at least, if there is one when the claim ends
   */
  Claim(IndexKey key, long epoch) {
    this.key = key;
    this.epoch = epoch;
  }

  IndexKey key() {
    return key;
  }

  long epoch() {
    return epoch;
  }

  void decide(Decision made) {
    decision = made;
    decided.countDown();
  }

  Decision awaitDecision() throws InterruptedException {
    decided.await();
    return decision;
  }

  /** Completes when row and record can be read back. */
  CompletableFuture<StoredChunk> stored() {
    return stored;
  }

  /** What a thread gets that met the content while this claim was storing it. */
  CompletableFuture<StoredChunk> asDuplicate() {
    CompletableFuture<StoredChunk> duplicate = new CompletableFuture<>();
    // Not thenApply: that would wrap the exception that the caller is promised.
    CompletableFuture<StoredChunk> unused =
        stored.whenComplete(
            (chunk, failure) -> {
              if (failure == null) {
                duplicate.complete(new StoredChunk(key.id(), StoredChunk.Outcome.DUPLICATE, 0));
              } else {
                duplicate.completeExceptionally(failure);
              }
            });
    return duplicate;
  }

  void complete(StoredChunk chunk) {
    stored.complete(chunk);
  }

  void fail(StoreException failure) {
    stored.completeExceptionally(failure);
  }
}
