package io.nbdvault.engine.pipeline;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A disk in an array. Its extents are as short as a server likes, its reads are answered late and
 * in any order, and one of them may fail; those after it are then not answered before the disk is
 * closed, as with a server that hangs.
 */
final class MemoryDisk implements SourceDisk {
  private final byte[] content;
  private final ExtentKind[] kinds;
  private final boolean incremental;
  private final ScheduledExecutorService server = Executors.newSingleThreadScheduledExecutor();

  @GuardedBy("this")
  private final Random random;

  @GuardedBy("this")
  private final List<CompletableFuture<Void>> inFlight = new ArrayList<>();

  @GuardedBy("this")
  private int inFlightMax;

  private volatile long failingOffset = Long.MAX_VALUE;
  private volatile boolean extentsFail;
  private volatile boolean closed;

  /**
   * @param kinds what is said of each byte
   */
  MemoryDisk(byte[] content, ExtentKind[] kinds, boolean incremental, long seed) {
    this.content = content;
    this.kinds = kinds;
    this.incremental = incremental;
    this.random = new Random(seed);
  }

  /** Makes the read that has this byte fail. */
  MemoryDisk failReadOf(long offset) {
    failingOffset = offset;
    return this;
  }

  /** Makes block status fail from here on. */
  MemoryDisk failExtents() {
    extentsFail = true;
    return this;
  }

  synchronized int inFlight() {
    return (int) inFlight.stream().filter(read -> !read.isDone()).count();
  }

  synchronized int inFlightMax() {
    return inFlightMax;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public String name() {
    return "d";
  }

  @Override
  public long sizeBytes() {
    return content.length;
  }

  @Override
  public String format() {
    return "raw";
  }

  @Override
  public Optional<String> fullReason() {
    return incremental ? Optional.empty() : Optional.of("first backup of this disk");
  }

  @Override
  public Optional<Checkpoint> checkpoint() {
    return Optional.empty();
  }

  @Override
  public long expectedBytes() {
    return content.length;
  }

  @Override
  public synchronized CompletableFuture<List<SourceExtent>> extents(
      long offsetBytes, long lengthBytes) {
    if (extentsFail) {
      return CompletableFuture.failedFuture(new IOException("block status is broken"));
    }
    List<SourceExtent> extents = new ArrayList<>();
    int position = (int) offsetBytes;
    int end = (int) (offsetBytes + lengthBytes);
    for (int count = 1 + random.nextInt(5); count > 0 && position < end; count--) {
      int length = 1;
      int longest = Math.min(end - position, 1 + random.nextInt(100_000));
      while (length < longest && kinds[position + length] == kinds[position]) {
        length++;
      }
      extents.add(new SourceExtent(position, length, kinds[position]));
      position += length;
    }
    CompletableFuture<List<SourceExtent>> reply = new CompletableFuture<>();
    later(() -> reply.complete(extents));
    return reply;
  }

  @Override
  public synchronized CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination) {
    CompletableFuture<Void> reply = new CompletableFuture<>();
    inFlight.removeIf(CompletableFuture::isDone);
    inFlight.add(reply);
    inFlightMax = Math.max(inFlightMax, inFlight.size());
    int length = destination.remaining();
    if (offsetBytes > failingOffset) {
      return reply;
    }
    if (offsetBytes + length > failingOffset) {
      later(() -> reply.completeExceptionally(new IOException("medium error at " + offsetBytes)));
      return reply;
    }
    later(
        () -> {
          destination.put(content, (int) offsetBytes, length);
          reply.complete(null);
        });
    return reply;
  }

  private synchronized void later(Runnable answer) {
    var unused = server.schedule(answer, random.nextInt(2_000), TimeUnit.MICROSECONDS);
  }

  @Override
  public synchronized void close() {
    closed = true;
    server.shutdownNow();
    inFlight.forEach(read -> read.completeExceptionally(new IOException("connection closed")));
  }
}
