package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DirectIo;
import io.nbdvault.engine.source.SourceDisk;
import io.nbdvault.engine.source.SourceExtent;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A raw file or device that is read past its server and past the page cache: what is read here is
 * read once, see {@code docs/decisions/0020-what-differs.md}. Whole blocks only, and only where the
 * file system takes that; the server is asked for all else, and for extents.
 */
final class DirectDisk implements SourceDisk {
  private static final int THREADS = 4;
  private static final long CLOSE_SECONDS_MAX = 20;

  private final SourceDisk server;
  private final FileChannel channel;
  private final int blockBytes;
  private final ExecutorService readers;
  private final AlignedBuffers buffers;
  private volatile boolean works = true;

  private DirectDisk(SourceDisk server, FileChannel channel, int blockBytes) {
    this.server = server;
    this.channel = channel;
    this.blockBytes = blockBytes;
    this.buffers = new AlignedBuffers(blockBytes);
    this.readers =
        Executors.newFixedThreadPool(
            THREADS,
            task -> {
              Thread thread = new Thread(task, "target-reader");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** The disk behind the server, which is {@code file}, or the server's own where that is all. */
  static SourceDisk of(Path file, SourceDisk server) throws IOException {
    long blockBytes = Files.getFileStore(file).getBlockSize();
    // Last, so that nothing can fail behind it.
    Optional<FileChannel> channel = DirectIo.open(file, StandardOpenOption.READ);
    return channel.isPresent()
        ? new DirectDisk(server, channel.get(), Math.toIntExact(blockBytes))
        : server;
  }

  @Override
  public CompletableFuture<Void> read(long offsetBytes, ByteBuffer destination) {
    boolean wholeBlocks =
        offsetBytes % blockBytes == 0 && destination.remaining() % blockBytes == 0;
    if (!works || !wholeBlocks) {
      return server.read(offsetBytes, destination);
    }
    return CompletableFuture.supplyAsync(() -> readDirect(offsetBytes, destination), readers)
        .thenCompose(
            done ->
                done
                    ? CompletableFuture.completedFuture(null)
                    : server.read(offsetBytes, destination));
  }

  /** Whether it worked; the destination is untouched if not. */
  private boolean readDirect(long offsetBytes, ByteBuffer destination) {
    ByteBuffer buffer = buffers.ofThisThread(destination.remaining());
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, offsetBytes + buffer.position()) < 0) {
          throw new EOFException("at " + offsetBytes + " it ends too early");
        }
      }
    } catch (IOException e) {
      // Some file systems want more than they say. What else is wrong the server finds again.
      works = false;
      return false;
    }
    destination.put(buffer.flip());
    return true;
  }

  @Override
  public CompletableFuture<List<SourceExtent>> extents(long offsetBytes, long lengthBytes) {
    return server.extents(offsetBytes, lengthBytes);
  }

  @Override
  public String name() {
    return server.name();
  }

  @Override
  public long sizeBytes() {
    return server.sizeBytes();
  }

  @Override
  public String format() {
    return server.format();
  }

  @Override
  public Optional<String> fullReason() {
    return server.fullReason();
  }

  @Override
  public Optional<Checkpoint> checkpoint() {
    return server.checkpoint();
  }

  @Override
  public long expectedBytes() {
    return server.expectedBytes();
  }

  /** Reads that are under way come to their end first: none takes long. */
  @Override
  public void close() {
    server.close();
    readers.shutdown();
    try {
      if (!readers.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new IllegalStateException("a read of " + name() + " did not end");
      }
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
