package io.nbdvault.cli.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A pipe, which takes bytes in order only. What comes too early waits for its turn; it keeps its
 * buffer, and so one of the source's places, meanwhile.
 *
 * <p>That cannot come to a standstill: the source asks for data in ascending order, so what has its
 * turn next is always under way or here. Runs of zeroes take no place: there are no more of them
 * than there are runs of data in what the source knows ahead.
 */
final class StreamDestination implements CopyDestination {
  private static final long THREAD_END_MILLIS_MAX = 2000;
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(256 << 10);

  private final String name;
  private final WritableByteChannel channel;
  private final Thread thread;

  @GuardedBy("this")
  private final TreeMap<Long, Part> waiting = new TreeMap<>();

  @GuardedBy("this")
  private long position;

  @GuardedBy("this")
  private long endBytes = Long.MAX_VALUE;

  @GuardedBy("this")
  private @Nullable Part current;

  @GuardedBy("this")
  private @Nullable Throwable failure;

  private final CompletableFuture<Void> finished = new CompletableFuture<>();

  /** Something to write: data, or zeroes. */
  private record Part(
      long lengthBytes, @Nullable ByteBuffer data, CompletableFuture<Void> written) {}

  /**
   * @param channel takes ownership
   */
  StreamDestination(String name, WritableByteChannel channel) {
    this.name = name;
    this.channel = channel;
    this.thread = new Thread(this::run, "nbd-copy-write");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean isWrittenInPlace() {
    return false;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    CompletableFuture<Void> written = new CompletableFuture<>();
    add(offsetBytes, new Part(data.remaining(), data.duplicate(), written));
    return written;
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    add(offsetBytes, new Part(lengthBytes, null, new CompletableFuture<>()));
    return CompletableFuture.completedFuture(null);
  }

  private void add(long offset, Part part) {
    Throwable failed;
    synchronized (this) {
      failed = failure;
      if (failed == null) {
        waiting.put(offset, part);
        notifyAll();
      }
    }
    if (failed != null) {
      part.written().completeExceptionally(failed);
    }
  }

  @Override
  public synchronized CompletableFuture<Void> finish(long sizeBytes) {
    endBytes = sizeBytes;
    notifyAll();
    return finished;
  }

  private void run() {
    try {
      for (Part part = next(); part != null; part = next()) {
        write(part);
        part.written().complete(null);
      }
      finished.complete(null);
    } catch (IOException | RuntimeException | Error e) {
      fail(e);
    } catch (InterruptedException e) {
      fail(new IOException("interrupted", e));
    }
  }

  /** What has its turn; null at the end. */
  private synchronized @Nullable Part next() throws InterruptedException {
    while (position < endBytes) {
      Part part = waiting.remove(position);
      if (part != null) {
        current = part;
        position += part.lengthBytes();
        return part;
      }
      wait();
    }
    return null;
  }

  private void write(Part part) throws IOException {
    ByteBuffer data = part.data();
    if (data != null) {
      writeFully(data);
      return;
    }
    for (long left = part.lengthBytes(); left > 0; left -= ZEROES.capacity()) {
      writeFully(ZEROES.duplicate().limit((int) Math.min(ZEROES.capacity(), left)));
    }
  }

  private void writeFully(ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      channel.write(data);
    }
  }

  private void fail(Throwable reason) {
    TreeMap<Long, Part> left;
    synchronized (this) {
      failure = reason;
      left = new TreeMap<>(waiting);
      waiting.clear();
      if (current != null) {
        left.put(-1L, current);
      }
    }
    left.values().forEach(part -> part.written().completeExceptionally(reason));
    finished.completeExceptionally(reason);
  }

  @Override
  public void publish() {
    // What has been written to a pipe has been read.
  }

  @Override
  public void close() throws IOException {
    thread.interrupt();
    try {
      thread.join(THREAD_END_MILLIS_MAX);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    channel.close();
  }
}
