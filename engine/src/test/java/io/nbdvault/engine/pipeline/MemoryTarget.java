package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** An array that a restore writes to: counts what is done to it, and may fail. */
final class MemoryTarget implements DiskWriting.Target {
  final byte[] content;
  final AtomicInteger busy = new AtomicInteger();
  final AtomicInteger writes = new AtomicInteger();
  final AtomicLong written = new AtomicLong();
  final AtomicLong zeroed = new AtomicLong();
  volatile long failingOffset = Long.MAX_VALUE;

  /**
   * @param content is written to
   */
  MemoryTarget(byte[] content) {
    this.content = content;
  }

  /** A target that is full of one value. */
  static MemoryTarget filled(int sizeBytes, byte value) {
    byte[] content = new byte[sizeBytes];
    Arrays.fill(content, value);
    return new MemoryTarget(content);
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source) throws IOException {
    busy.incrementAndGet();
    try {
      if (offsetBytes + source.remaining() > failingOffset) {
        throw new IOException("no space at " + offsetBytes);
      }
      writes.incrementAndGet();
      written.addAndGet(source.remaining());
      source.get(content, (int) offsetBytes, source.remaining());
    } finally {
      busy.decrementAndGet();
    }
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes) {
    assertThat(lengthBytes).isPositive();
    zeroed.addAndGet(lengthBytes);
    Arrays.fill(content, (int) offsetBytes, (int) (offsetBytes + lengthBytes), (byte) 0);
  }
}
