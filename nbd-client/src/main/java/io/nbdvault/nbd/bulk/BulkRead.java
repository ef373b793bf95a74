package io.nbdvault.nbd.bulk;

import java.util.concurrent.CompletableFuture;

/**
 * A bulk read that is under way: many READ and BLOCK_STATUS requests (proto.md, "Request types")
 * and one outcome.
 */
public final class BulkRead {
  private final ReadPipeline pipeline;

  BulkRead(ReadPipeline pipeline) {
    this.pipeline = pipeline;
  }

  /**
   * Completes when all has been delivered and every lease is closed. Fails with the first failure,
   * but only when no read is in flight any more: an {@link io.nbdvault.nbd.NbdException} from the
   * client, what the sink threw, or {@link java.util.concurrent.CancellationException}; leases that
   * the sink still holds then stay its own until it closes them. Completes on an I/O thread. To
   * cancel or complete this future only hides the outcome; see {@link #cancel}.
   */
  public CompletableFuture<Void> future() {
    return pipeline.future();
  }

  /**
   * Asks for nothing more and delivers nothing more, but for calls of the sink that have already
   * begun. On any thread; returns at once.
   */
  public void cancel() {
    pipeline.cancel();
  }
}
