package io.nbdvault.engine.serve.overlay;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * A file of the file system. Closing it lets go of its lock.
 *
 * @param onClose runs once it is closed
 */
record ChannelFile(FileChannel channel, Runnable onClose) implements DurableFile {
  @Override
  public void read(long positionBytes, ByteBuffer destination) throws IOException {
    long position = positionBytes;
    while (destination.hasRemaining()) {
      int count = channel.read(destination, position);
      if (count < 0) {
        throw new EOFException("the overlay ends at " + position);
      }
      position += count;
    }
  }

  @Override
  public void write(long positionBytes, ByteBuffer source) throws IOException {
    long position = positionBytes;
    while (source.hasRemaining()) {
      position += channel.write(source, position);
    }
  }

  /** Without times: the length never changes. */
  @Override
  public void force() throws IOException {
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      onClose.run();
    }
  }
}
