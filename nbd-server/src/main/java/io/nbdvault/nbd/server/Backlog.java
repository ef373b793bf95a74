package io.nbdvault.nbd.server;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Received bytes that are not decoded yet, in order. Owns them; used on one event loop only. */
final class Backlog {
  private final Queue<ByteBuf> buffers = new ArrayDeque<>();

  /** Takes ownership of the buffer. */
  void add(ByteBuf buffer) {
    buffers.add(buffer);
  }

  /** The buffer that is to be decoded next, borrowed, or null. It may have no bytes left. */
  @Nullable ByteBuf head() {
    return buffers.peek();
  }

  /** As {@link #head}, when there is one. */
  ByteBuf headOrThrow() {
    return buffers.element();
  }

  /** Releases the head. */
  void dropHead() {
    buffers.remove().release();
  }

  /** Whether there are any bytes. */
  boolean hasBytes() {
    for (ByteBuf buffer : buffers) {
      if (buffer.isReadable()) {
        return true;
      }
    }
    return false;
  }

  /** Moves everything here. */
  void takeAll(Backlog other) {
    buffers.addAll(other.buffers);
    other.buffers.clear();
  }

  /** Releases everything. */
  void drop() {
    while (!buffers.isEmpty()) {
      dropHead();
    }
  }
}
