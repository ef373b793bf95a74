package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Where a copy comes from. */
interface CopySource extends AutoCloseable {
  /** What it is, for messages. */
  String name();

  /** Its size; empty if that shows only at its end. */
  OptionalLong sizeBytes();

  /** Starts to hand everything to the destination; returns at once. Called once. */
  Transfer start(CopyDestination destination, CopyTally tally);

  /** Ends whatever is still under way. */
  @Override
  void close() throws IOException;

  /** A transfer that is under way. */
  interface Transfer {
    /** Completes when everything has been written. Fails with a {@link JobException}. */
    CompletableFuture<Void> future();

    /** Asks it to stop; returns at once. */
    void cancel();
  }

  /** The sentence for what a destination did not take. */
  static JobException notWritten(CopyDestination destination, Throwable reason) {
    return reason instanceof JobException known
        ? known
        : JobException.failed("writing to " + destination.name(), reason);
  }
}
