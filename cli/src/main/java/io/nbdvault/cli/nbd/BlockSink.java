package io.nbdvault.cli.nbd;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/**
 * Where blocks go, in any order and each once. Methods are called on any thread, often an I/O
 * thread of a client, and do not block. Futures fail with what went wrong, and may complete on an
 * I/O thread.
 */
interface BlockSink {
  /**
   * Writes.
   *
   * @param data from position to limit; borrowed until the future completes
   */
  CompletableFuture<Void> write(long offsetBytes, ByteBuffer data);

  /**
   * Makes a range read as zeroes.
   *
   * @param lengthBytes at least 1
   */
  CompletableFuture<Void> zero(long offsetBytes, long lengthBytes);
}
