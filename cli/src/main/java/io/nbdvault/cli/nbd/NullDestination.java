package io.nbdvault.cli.nbd;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** Throws everything away. */
final class NullDestination implements CopyDestination {
  private static final CompletableFuture<Void> DONE = CompletableFuture.completedFuture(null);

  @Override
  public String name() {
    return "null:";
  }

  @Override
  public boolean isWrittenInPlace() {
    return false;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    return DONE;
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    return DONE;
  }

  @Override
  public CompletableFuture<Void> finish(long sizeBytes) {
    return DONE;
  }

  @Override
  public void publish() {
    // There is nothing.
  }

  @Override
  public void close() {
    // There is nothing to let go of.
  }
}
