package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdServerException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * An {@link NbdClient} for callers that wait for each answer (proto.md, "Request types"). What is
 * said there about ranges, flags and splitting holds here; a buffer is free again when the method
 * returns or throws.
 *
 * <p>A wait is bounded by the options' timeouts. A thread that is interrupted while it waits closes
 * the client, as an interruptible channel does: its buffer is in use until then. No method may be
 * called on one of the client's I/O threads; it would wait for itself, so it throws {@link
 * IllegalStateException}. All throw {@link NbdServerException} if the server refused this one
 * thing, and any other {@link NbdException} if the connections are gone.
 */
public final class BlockingNbdClient {
  private final NbdClient client;

  BlockingNbdClient(NbdClient client) {
    this.client = client;
  }

  /** See {@link NbdClient#read(long, int, ReadFlag...)}. */
  public ByteBuffer read(long offsetBytes, int lengthBytes, ReadFlag... flags) throws NbdException {
    checkThread();
    return await(client.read(offsetBytes, lengthBytes, flags));
  }

  /** See {@link NbdClient#read(long, ByteBuffer, ReadFlag...)}. */
  public void read(long offsetBytes, ByteBuffer destination, ReadFlag... flags)
      throws NbdException {
    checkThread();
    await(client.read(offsetBytes, destination, flags));
  }

  /** See {@link NbdClient#blockStatus}. */
  public BlockStatus blockStatus(long offsetBytes, long lengthBytes, BlockStatusFlag... flags)
      throws NbdException {
    checkThread();
    return await(client.blockStatus(offsetBytes, lengthBytes, flags));
  }

  /** See {@link NbdClient#write}. */
  public void write(long offsetBytes, ByteBuffer source, WriteFlag... flags) throws NbdException {
    checkThread();
    await(client.write(offsetBytes, source, flags));
  }

  /** See {@link NbdClient#writeZeroes}. */
  public void writeZeroes(long offsetBytes, long lengthBytes, WriteFlag... flags)
      throws NbdException {
    checkThread();
    await(client.writeZeroes(offsetBytes, lengthBytes, flags));
  }

  /** See {@link NbdClient#trim}. */
  public void trim(long offsetBytes, long lengthBytes, WriteFlag... flags) throws NbdException {
    checkThread();
    await(client.trim(offsetBytes, lengthBytes, flags));
  }

  /** See {@link NbdClient#cache}. */
  public void cache(long offsetBytes, long lengthBytes) throws NbdException {
    checkThread();
    await(client.cache(offsetBytes, lengthBytes));
  }

  /** See {@link NbdClient#flush}. */
  public void flush() throws NbdException {
    checkThread();
    await(client.flush());
  }

  private static void checkThread() {
    if (EventLoops.onEventLoop()) {
      throw new IllegalStateException("this blocks; not on one of the client's I/O threads");
    }
  }

  private <T> T await(CompletableFuture<T> future) throws NbdException {
    try {
      return future.get();
    } catch (InterruptedException e) {
      client.close();
      Thread.currentThread().interrupt();
      throw new NbdDisconnectedException("interrupted, so the client was closed", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }
}
