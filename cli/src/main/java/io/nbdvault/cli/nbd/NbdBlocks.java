package io.nbdvault.cli.nbd;

import io.nbdvault.nbd.client.NbdClient;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** Writes to an export with the commands that the server offers. */
final class NbdBlocks implements BlockSink {
  /** A server that has to write zeroes really may need a while for so much, but not for ever. */
  private static final long ZERO_REQUEST_BYTES = 256L << 20;

  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(256 << 10);

  private final NbdClient client;
  private final boolean alreadyZero;

  /**
   * @param alreadyZero whether zeroes need not be written
   */
  NbdBlocks(NbdClient client, boolean alreadyZero) {
    this.client = client;
    this.alreadyZero = alreadyZero;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    return client.write(offsetBytes, data.duplicate());
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    if (alreadyZero) {
      done.complete(null);
    } else if (client.export().canWriteZeroes()) {
      inSteps(
          offsetBytes, offsetBytes + lengthBytes, ZERO_REQUEST_BYTES, client::writeZeroes, done);
    } else {
      inSteps(offsetBytes, offsetBytes + lengthBytes, ZEROES.capacity(), this::writeOut, done);
    }
    return done;
  }

  private CompletableFuture<Void> writeOut(long offset, long length) {
    return client.write(offset, ZEROES.duplicate().limit((int) length));
  }

  private interface Step {
    CompletableFuture<Void> on(long offset, long length);
  }

  /** One step after the other: a run of zeroes has one place among the requests in flight. */
  private void inSteps(
      long offset, long end, long stepBytes, Step step, CompletableFuture<Void> done) {
    long length = Math.min(stepBytes, end - offset);
    var unused =
        step.on(offset, length)
            // On a thread of its own turn, so that steps do not pile up on the stack.
            .whenCompleteAsync(
                (stepDone, problem) -> {
                  if (problem != null) {
                    done.completeExceptionally(problem);
                  } else if (offset + length == end) {
                    done.complete(null);
                  } else {
                    inSteps(offset + length, end, stepBytes, step, done);
                  }
                },
                client.ioExecutor());
  }
}
