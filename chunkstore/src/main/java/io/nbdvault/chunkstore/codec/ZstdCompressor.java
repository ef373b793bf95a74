package io.nbdvault.chunkstore.codec;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A native context that compresses, with its buffers. They are direct because zstd takes
 * milliseconds for a chunk at the higher levels, and for arrays its binding would hold off the
 * garbage collector so long: with some collectors other threads then run out of memory that there
 * is.
 */
final class ZstdCompressor implements AutoCloseable {
  private static final int BUFFER_BYTES_MIN = 64 << 10;

  /**
   * The first level that takes much longer than this one for bytes that do not compress. The levels
   * below notice by themselves.
   */
  private static final int TRIAL_FROM_LEVEL = 11;

  private static final int TRIAL_LEVEL = 3;

  private final ZstdCompressCtx context = new ZstdCompressCtx();
  private @Nullable ZstdCompressCtx trial;
  private int level;
  private ByteBuffer plainBuffer = ByteBuffer.allocateDirect(BUFFER_BYTES_MIN);
  private ByteBuffer compressedBuffer = ByteBuffer.allocateDirect(BUFFER_BYTES_MIN);

  /** As {@link ChunkCodec#compress}. */
  int compress(
      int wantedLevel,
      byte[] plain,
      int offset,
      int length,
      byte[] destination,
      int destinationOffset) {
    plainBuffer = atLeast(plainBuffer, length);
    compressedBuffer = atLeast(compressedBuffer, (int) Zstd.compressBound(length));
    plainBuffer.put(0, plain, offset, length);
    if (wantedLevel >= TRIAL_FROM_LEVEL && run(trial(), length) >= length) {
      return length;
    }
    setLevel(wantedLevel);
    int compressed = run(context, length);
    compressedBuffer.get(0, destination, destinationOffset, compressed);
    return compressed;
  }

  private int run(ZstdCompressCtx with, int length) {
    return with.compressDirectByteBuffer(
        compressedBuffer, 0, compressedBuffer.capacity(), plainBuffer, 0, length);
  }

  private void setLevel(int wanted) {
    if (level != wanted) {
      context.setLevel(wanted);
      level = wanted;
    }
  }

  private ZstdCompressCtx trial() {
    ZstdCompressCtx made = trial;
    if (made == null) {
      made = new ZstdCompressCtx().setLevel(TRIAL_LEVEL);
      trial = made;
    }
    return made;
  }

  /** Lengths are powers of two, so that what is outgrown adds up to less than what is kept. */
  private static ByteBuffer atLeast(ByteBuffer buffer, int bytes) {
    return buffer.capacity() >= bytes
        ? buffer
        : ByteBuffer.allocateDirect(Integer.highestOneBit(bytes - 1) << 1);
  }

  @Override
  public void close() {
    context.close();
    if (trial != null) {
      trial.close();
    }
  }
}
