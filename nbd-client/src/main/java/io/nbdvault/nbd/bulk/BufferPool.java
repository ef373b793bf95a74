package io.nbdvault.nbd.bulk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * Direct buffers of one size, the last one given back first: it is the one that is still in the
 * processor's cache. Never more than there are places, since each is taken by who has a place.
 */
final class BufferPool {
  // The kernel copies faster to where its copy loop finds whole cache lines, and whole pages.
  private static final int ALIGNMENT_BYTES = 4096;

  private final int bufferBytes;

  @GuardedBy("this")
  private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private int allocated;

  BufferPool(int bufferBytes) {
    this.bufferBytes = bufferBytes;
  }

  /** A buffer from position 0 to {@code lengthBytes}; whoever takes it gives it back once. */
  ByteBuffer take(int lengthBytes) {
    ByteBuffer buffer;
    synchronized (this) {
      buffer = free.pollLast();
      if (buffer == null) {
        allocated++;
      }
    }
    if (buffer == null) {
      buffer = allocate();
    }
    return buffer.clear().limit(lengthBytes);
  }

  private ByteBuffer allocate() {
    ByteBuffer wider = ByteBuffer.allocateDirect(bufferBytes + ALIGNMENT_BYTES);
    // Not alignedSlice(): it rounds the end down, too.
    int beyond = wider.alignmentOffset(0, ALIGNMENT_BYTES);
    return wider.slice(beyond == 0 ? 0 : ALIGNMENT_BYTES - beyond, bufferBytes);
  }

  synchronized void giveBack(ByteBuffer buffer) {
    free.addLast(buffer);
  }

  /** How many buffers there are, in use or not. */
  synchronized int allocated() {
    return allocated;
  }
}
