package io.nbdvault.cli.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Finds blocks of zeroes in data, so that what is sparse stays sparse where nobody said it is. */
final class ZeroSplitter implements BlockSink {
  private static final int GRAIN_BYTES_MAX = 64 << 10;
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(GRAIN_BYTES_MAX);

  private final BlockSink next;
  private final int grainBytes;

  /**
   * @param grainBytes what is looked at as one; a power of two, at most 64 KiB
   */
  ZeroSplitter(BlockSink next, int grainBytes) {
    if (grainBytes < 1 || grainBytes > GRAIN_BYTES_MAX || Integer.bitCount(grainBytes) != 1) {
      throw new IllegalArgumentException(
          "grainBytes: " + grainBytes + " (expected: a power of two, <= " + GRAIN_BYTES_MAX + ")");
    }
    this.next = next;
    this.grainBytes = grainBytes;
  }

  @Override
  public CompletableFuture<Void> zero(long offsetBytes, long lengthBytes) {
    return next.zero(offsetBytes, lengthBytes);
  }

  @Override
  public CompletableFuture<Void> write(long offsetBytes, ByteBuffer data) {
    List<CompletableFuture<Void>> parts = new ArrayList<>(1);
    int begin = data.position();
    int end = data.limit();
    while (begin < end) {
      boolean zero = isZero(data, begin, grainEnd(offsetBytes, data, begin));
      int until = grainEnd(offsetBytes, data, begin);
      while (until < end) {
        int grain = grainEnd(offsetBytes, data, until);
        if (isZero(data, until, grain) != zero) {
          break;
        }
        until = grain;
      }
      long offset = offsetBytes + (begin - data.position());
      parts.add(
          zero
              ? next.zero(offset, until - begin)
              : next.write(offset, data.duplicate().position(begin).limit(until)));
      begin = until;
    }
    return parts.size() == 1
        ? parts.get(0)
        : CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new));
  }

  /** Where the grain that {@code index} is in ends; grains are aligned in the export. */
  private int grainEnd(long offsetBytes, ByteBuffer data, int index) {
    long offset = offsetBytes + (index - data.position());
    long rest = grainBytes - offset % grainBytes;
    return (int) Math.min(data.limit(), index + rest);
  }

  private static boolean isZero(ByteBuffer data, int begin, int end) {
    // Most data is not zero in its first byte, which is cheaper to ask for.
    return data.get(begin) == 0
        && data.duplicate().position(begin).limit(end).mismatch(zeroes(end - begin)) < 0;
  }

  private static ByteBuffer zeroes(int length) {
    return ZEROES.duplicate().limit(length);
  }
}
