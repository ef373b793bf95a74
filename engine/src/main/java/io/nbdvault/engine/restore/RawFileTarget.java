package io.nbdvault.engine.restore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A sparse raw image. What is not written stays a hole. */
final class RawFileTarget implements RestoreTarget {
  private final TemporaryFile file;
  private final FileChannel channel;

  private RawFileTarget(TemporaryFile file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static RawFileTarget create(Path target, long sizeBytes) throws IOException {
    TemporaryFile file = TemporaryFile.create(target);
    boolean opened = false;
    try {
      FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.WRITE);
      if (sizeBytes > 0) {
        setSize(file.path(), sizeBytes);
      }
      opened = true;
      return new RawFileTarget(file, channel);
    } finally {
      if (!opened) {
        file.remove();
      }
    }
  }

  /** A file channel can shrink a file but not grow one without writing to it. */
  private static void setSize(Path path, long sizeBytes) throws IOException {
    try (java.io.RandomAccessFile grown = new java.io.RandomAccessFile(path.toFile(), "rw")) {
      grown.setLength(sizeBytes);
    }
  }

  @Override
  public String name() {
    return file.target().toString();
  }

  @Override
  public boolean startsZeroed() {
    return true;
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source) throws IOException {
    long position = offsetBytes;
    while (source.hasRemaining()) {
      position += channel.write(source, position);
    }
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes) {
    throw new IllegalStateException("a new file is all zeroes already");
  }

  @Override
  public void complete() throws IOException {
    channel.force(true);
  }

  @Override
  public void publish() throws IOException {
    file.publish();
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      file.remove();
    }
  }
}
