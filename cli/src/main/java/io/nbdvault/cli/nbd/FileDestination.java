package io.nbdvault.cli.nbd;

import io.nbdvault.engine.restore.TemporaryFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A new sparse file, or a block device. Written by threads of its own, whose queue is as long as
 * the source has buffers.
 */
final class FileDestination implements CopyDestination {
  private static final int THREADS = 2;
  private static final int ZERO_GRAIN_BYTES = 4 << 10;
  private static final long THREADS_END_SECONDS_MAX = 10;
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(1 << 20);

  private final Path path;
  private final FileChannel channel;
  private final @Nullable TemporaryFile file;
  private final boolean alreadyZero;
  private final BlockSink sink;
  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          THREADS,
          task -> {
            Thread thread = new Thread(task, "nbd-copy-write");
            thread.setDaemon(true);
            return thread;
          });

  private FileDestination(
      Path path, FileChannel channel, @Nullable TemporaryFile file, boolean alreadyZero) {
    this.path = path;
    this.channel = channel;
    this.file = file;
    this.alreadyZero = alreadyZero;
    this.sink = alreadyZero ? new ZeroSplitter(new Blocks(), ZERO_GRAIN_BYTES) : new Blocks();
  }

  /** A new file of that size, all a hole, under a temporary name until it is complete. */
  static FileDestination create(Path path, long sizeBytes) throws IOException {
    TemporaryFile file = TemporaryFile.create(path);
    boolean opened = false;
    try {
      try (RandomAccessFile grown = new RandomAccessFile(file.path().toFile(), "rw")) {
        grown.setLength(sizeBytes);
      }
      FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.WRITE);
      opened = true;
      return new FileDestination(path, channel, file, true);
    } finally {
      if (!opened) {
        file.remove();
      }
    }
  }

  /**
   * An existing block device.
   *
   * @param alreadyZero whether zeroes need not be written
   */
  static FileDestination openDevice(Path device, boolean alreadyZero) throws IOException {
    FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE);
    return new FileDestination(device, channel, null, alreadyZero);
  }

  /** Of a device, how much room it has. */
  long sizeBytes() throws IOException {
    return channel.size();
  }

  @Override
  public String name() {
    return path.toString();
  }

  @Override
  public boolean isWrittenInPlace() {
    return file == null;
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    return sink.write(offsetBytes, data);
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    return sink.zero(offsetBytes, lengthBytes);
  }

  /** Hands over to the threads. */
  private final class Blocks implements BlockSink {
    @Override
    public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
      return run(() -> writeFully(offsetBytes, data.duplicate()));
    }

    @Override
    public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
      if (alreadyZero) {
        return CompletableFuture.completedFuture(null);
      }
      return run(() -> writeZeroes(offsetBytes, lengthBytes));
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private CompletableFuture<Void> run(Work work) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            work.run();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        threads);
  }

  private void writeFully(long offset, ByteBuffer data) throws IOException {
    long position = offset;
    while (data.hasRemaining()) {
      position += channel.write(data, position);
    }
  }

  private void writeZeroes(long offset, long length) throws IOException {
    long end = offset + length;
    for (long position = offset; position < end; position += ZEROES.capacity()) {
      int bytes = (int) Math.min(ZEROES.capacity(), end - position);
      writeFully(position, ZEROES.duplicate().limit(bytes));
    }
  }

  @Override
  public CompletableFuture<Void> finish(long sizeBytes) {
    return run(() -> channel.force(true));
  }

  @Override
  public void publish() throws IOException {
    if (file != null) {
      file.publish();
    }
  }

  @Override
  public void close() throws IOException {
    threads.shutdownNow();
    try {
      // They write from buffers that are given back after this.
      if (!threads.awaitTermination(THREADS_END_SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new IOException(path + " does not take what is written to it");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      try {
        channel.close();
      } finally {
        if (file != null) {
          file.remove();
        }
      }
    }
  }
}
