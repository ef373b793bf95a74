package io.nbdvault.bench.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Looks at how large a directory is, all the time, from a thread of its own. */
final class DirectorySize implements AutoCloseable {
  private static final long PAUSE_MILLIS = 50;

  private final Path dir;
  private final Thread thread = new Thread(this::watch, "directory-size");
  private volatile boolean closed;
  private volatile long peakBytes;

  DirectorySize(Path dir) {
    this.dir = dir;
    thread.start();
  }

  /** Bytes of all files now. */
  long bytes() throws IOException {
    long[] sum = new long[1];
    Files.walkFileTree(
        dir,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            sum[0] += attributes.size();
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            // It was deleted after it was listed.
            return FileVisitResult.CONTINUE;
          }
        });
    return sum[0];
  }

  /** The most bytes since this was called last. */
  long takePeakBytes() {
    long peak = peakBytes;
    peakBytes = 0;
    return peak;
  }

  private void watch() {
    try {
      while (!closed) {
        peakBytes = Math.max(peakBytes, bytes());
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
