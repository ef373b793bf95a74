package io.nbdvault.cli.nbd;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;

/** Where a copy goes. */
interface CopyDestination extends BlockSink, AutoCloseable {
  /** What it is, for messages. */
  String name();

  /** Whether a copy that fails leaves something half written under the final name. */
  boolean isWrittenInPlace();

  /**
   * Makes all durable that can be; called once all that was written has completed.
   *
   * @param sizeBytes what was copied in all
   */
  CompletableFuture<Void> finish(long sizeBytes);

  /** Gives what is finished its final name, durably. */
  void publish() throws IOException;

  /** Lets go of everything; of what has not been published nothing is left. */
  @Override
  void close() throws IOException;
}
