package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DirectIo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A sparse raw image. What is not written stays a hole. Whole blocks go past the page cache where
 * the file system takes that.
 */
final class RawFileTarget implements RestoreTarget {
  private final TemporaryFile file;
  private final FileChannel channel;
  private final Optional<FileChannel> direct;
  private final long blockBytes;
  private final AlignedBuffers buffers;
  private volatile boolean directWorks;

  /**
   * @param direct another channel, which goes past the page cache
   * @param blockBytes what it takes: positions and lengths that are multiples of this
   */
  RawFileTarget(
      TemporaryFile file, FileChannel channel, Optional<FileChannel> direct, long blockBytes) {
    this.file = file;
    this.channel = channel;
    this.direct = direct;
    this.blockBytes = blockBytes;
    this.buffers = new AlignedBuffers((int) blockBytes);
    this.directWorks = direct.isPresent();
  }

  static RawFileTarget create(Path target, long sizeBytes) throws IOException {
    TemporaryFile file = TemporaryFile.create(target);
    boolean opened = false;
    @Nullable FileChannel channel = null;
    try {
      channel = FileChannel.open(file.path(), StandardOpenOption.WRITE);
      if (sizeBytes > 0) {
        setSize(file.path(), sizeBytes);
      }
      long blockBytes = Files.getFileStore(file.path()).getBlockSize();
      // Last, so that nothing can fail behind it.
      Optional<FileChannel> direct = DirectIo.open(file.path(), StandardOpenOption.WRITE);
      opened = true;
      return new RawFileTarget(file, channel, direct, blockBytes);
    } finally {
      if (!opened) {
        closeAll(file, channel, null);
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
    boolean wholeBlocks = offsetBytes % blockBytes == 0 && source.remaining() % blockBytes == 0;
    if (!directWorks || !wholeBlocks) {
      writeTo(channel, offsetBytes, source);
      return;
    }
    try {
      writeTo(direct.orElseThrow(), offsetBytes, aligned(source));
      source.position(source.limit());
    } catch (IOException e) {
      // Some file systems want more than they say. What else is wrong fails here again.
      directWorks = false;
      writeTo(channel, offsetBytes, source);
    }
  }

  /** A copy of the bytes where they can be written from. */
  private ByteBuffer aligned(ByteBuffer source) {
    return buffers.ofThisThread(source.remaining()).put(source.duplicate()).flip();
  }

  private static void writeTo(FileChannel channel, long offsetBytes, ByteBuffer source)
      throws IOException {
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
    closeAll(file, channel, direct.orElse(null));
  }

  /** Closes each of them whatever becomes of the others, and removes the file. */
  private static void closeAll(
      TemporaryFile file, @Nullable FileChannel channel, @Nullable FileChannel direct)
      throws IOException {
    try (channel;
        direct) {
      file.remove();
    }
  }
}
