package io.nbdvault.cli.nbd;

import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.OptionalLong;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A file, a device, or a pipe that is read from its beginning to its end, by one thread of its own.
 * The fixed number of buffers is the back-pressure.
 */
final class StreamSource implements CopySource {
  private static final long THREAD_END_MILLIS_MAX = 2000;

  private final String name;
  private final ReadableByteChannel channel;
  private final OptionalLong sizeBytes;
  private final CopyOptions options;
  private @Nullable Pump pump;

  /**
   * @param channel takes ownership
   * @param sizeBytes if it is known; must then be right
   */
  StreamSource(
      String name, ReadableByteChannel channel, OptionalLong sizeBytes, CopyOptions options) {
    this.name = name;
    this.channel = channel;
    this.sizeBytes = sizeBytes;
    this.options = options;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public OptionalLong sizeBytes() {
    return sizeBytes;
  }

  @Override
  public Transfer start(CopyDestination destination, CopyTally tally) {
    Pump started = new Pump(destination, tally);
    pump = started;
    started.thread.start();
    return started;
  }

  @Override
  public void close() throws IOException {
    Pump started = pump;
    if (started != null) {
      started.cancel();
      started.awaitEnd();
    }
    channel.close();
  }

  /** The thread that reads. */
  private final class Pump implements Transfer {
    private final CopyDestination destination;
    private final CopyTally tally;
    private final BlockingQueue<ByteBuffer> free;
    private final int buffers;
    private final CompletableFuture<Void> future = new CompletableFuture<>();
    private final Thread thread;

    Pump(CopyDestination destination, CopyTally tally) {
      this.destination = destination;
      this.tally = tally;
      this.buffers = Math.toIntExact(options.bufferBytesMax() / options.requestBytes());
      this.free = new ArrayBlockingQueue<>(buffers);
      this.thread = new Thread(this::run, "nbd-copy-read");
      thread.setDaemon(true);
    }

    private void run() {
      try {
        pump();
      } catch (IOException | RuntimeException | Error e) {
        // After a failure of the destination this is only what the interruption looks like.
        future.completeExceptionally(JobException.failed("reading from " + name, e));
      } catch (InterruptedException e) {
        future.completeExceptionally(
            new JobException(JobException.Kind.CANCELLED, "interrupted", e));
      }
    }

    private void pump() throws IOException, InterruptedException {
      int made = 0;
      long offset = 0;
      while (!future.isDone()) {
        ByteBuffer buffer = free.poll();
        if (buffer == null && made < buffers) {
          buffer = ByteBuffer.allocateDirect(options.requestBytes());
          made++;
        } else if (buffer == null) {
          buffer = free.take();
        }
        boolean more = fill(buffer.clear());
        offset += write(offset, buffer.flip());
        if (!more) {
          break;
        }
      }
      for (int i = 0; i < made; i++) {
        var unused = free.take();
      }
      checkSize(offset);
      future.complete(null);
    }

    /** Whole buffers, so that all offsets are aligned; false at the end. */
    private boolean fill(ByteBuffer buffer) throws IOException {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          return false;
        }
      }
      return true;
    }

    /** Gives the buffer away, and returns what it held. */
    private int write(long offset, ByteBuffer buffer) {
      int bytes = buffer.remaining();
      if (bytes == 0) {
        free.add(buffer);
        return 0;
      }
      var unused =
          destination
              .write(offset, buffer.duplicate())
              .whenComplete(
                  (done, problem) -> {
                    if (problem == null) {
                      tally.data(bytes);
                    } else {
                      fail(CopySource.notWritten(destination, Failures.unwrap(problem)));
                    }
                    free.add(buffer);
                  });
      return bytes;
    }

    private void fail(JobException reason) {
      if (future.completeExceptionally(reason)) {
        thread.interrupt();
      }
    }

    private void checkSize(long bytes) throws IOException {
      if (sizeBytes.isPresent() && bytes != sizeBytes.getAsLong()) {
        throw new IOException("it had " + sizeBytes.getAsLong() + " bytes, but " + bytes + " came");
      }
    }

    @Override
    public CompletableFuture<Void> future() {
      return future;
    }

    @Override
    public void cancel() {
      thread.interrupt();
    }

    void awaitEnd() {
      try {
        // A read that ignores the interruption ends with the process.
        thread.join(THREAD_END_MILLIS_MAX);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
