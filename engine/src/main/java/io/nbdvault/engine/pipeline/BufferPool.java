package io.nbdvault.engine.pipeline;

import java.util.concurrent.ArrayBlockingQueue;

/**
 * Heap arrays of one size, used again instead of being allocated. On the heap because SHA-256 from
 * heap arrays is twice as fast as from direct buffers. Holds at most {@code buffersMax}; who takes
 * one owns it until giving it back.
 */
final class BufferPool {
  private final int bufferBytes;
  private final ArrayBlockingQueue<byte[]> free;

  BufferPool(int bufferBytes, int buffersMax) {
    this.bufferBytes = bufferBytes;
    this.free = new ArrayBlockingQueue<>(buffersMax);
  }

  /** What an array for {@code lengthBytes} takes from memory, which is what must be leased. */
  int sizeOf(int lengthBytes) {
    return Math.max(lengthBytes, bufferBytes);
  }

  /** An array of at least {@code lengthBytes}; its content is whatever was there before. */
  byte[] take(int lengthBytes) {
    if (lengthBytes > bufferBytes) {
      return new byte[lengthBytes];
    }
    byte[] array = free.poll();
    return array == null ? new byte[bufferBytes] : array;
  }

  /** Gives an array back. Nobody may touch it afterwards. */
  void giveBack(byte[] array) {
    if (array.length == bufferBytes) {
      // When the pool is full the collector takes the array.
      var unused = free.offer(array);
    }
  }
}
