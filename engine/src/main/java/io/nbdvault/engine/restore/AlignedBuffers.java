package io.nbdvault.engine.restore;

import io.nbdvault.chunkstore.DirectIo;
import java.nio.ByteBuffer;

/** A buffer for each thread that reads or writes past the page cache. */
final class AlignedBuffers {
  private final int blockBytes;
  private final ThreadLocal<ByteBuffer> buffers =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(0));

  /**
   * @param blockBytes what addresses must be multiples of, a power of two
   */
  AlignedBuffers(int blockBytes) {
    this.blockBytes = blockBytes;
  }

  /** This thread's buffer, from its beginning up to so many bytes; what it held is gone. */
  ByteBuffer ofThisThread(int lengthBytes) {
    ByteBuffer buffer = buffers.get();
    if (buffer.capacity() < lengthBytes) {
      buffer = DirectIo.buffer(lengthBytes, blockBytes);
      buffers.set(buffer);
    }
    return buffer.clear().limit(lengthBytes);
  }
}
