package io.nbdvault.chunkstore.codec;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.format.MalformedRecordException;

/** One way to compress. Implementations hold no state and may be used by many threads at once. */
public sealed interface ChunkCodec permits Lz4ChunkCodec, UncompressedChunkCodec {
  /** The codec's implementation. */
  static ChunkCodec of(Codec codec) {
    return switch (codec) {
      case NONE -> UncompressedChunkCodec.INSTANCE;
      case LZ4 -> Lz4ChunkCodec.INSTANCE;
    };
  }

  /** Which codec this is. */
  Codec codec();

  /** Most bytes that {@link #compress} may write for so many plain bytes. */
  int compressedLengthMax(int plainLength);

  /**
   * Compresses {@code plain[offset, offset + length)} to {@code destination} from {@code
   * destinationOffset}, where {@link #compressedLengthMax} bytes must fit.
   *
   * @return the compressed length, which may be more than the plain one
   */
  int compress(byte[] plain, int offset, int length, byte[] destination, int destinationOffset);

  /**
   * Brings back exactly {@code plainLength} bytes. The source may be hostile: nothing outside the
   * destination's range is written and nothing outside the source's is read.
   *
   * @throws MalformedRecordException if the source is not what was compressed, or is longer or
   *     shorter than that
   * @throws IndexOutOfBoundsException if a range lies outside its array
   */
  void decompress(
      byte[] source,
      int offset,
      int length,
      byte[] destination,
      int destinationOffset,
      int plainLength)
      throws MalformedRecordException;
}
