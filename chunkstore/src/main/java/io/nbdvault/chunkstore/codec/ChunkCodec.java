package io.nbdvault.chunkstore.codec;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.format.MalformedRecordException;

/** One way to compress. Many threads may use an implementation at once. */
public sealed interface ChunkCodec permits Lz4ChunkCodec, UncompressedChunkCodec, ZstdChunkCodec {
  /** What brings back the bytes that a codec has compressed, at whatever level. */
  static ChunkCodec of(Codec codec) {
    return switch (codec) {
      case NONE -> UncompressedChunkCodec.INSTANCE;
      case LZ4 -> Lz4ChunkCodec.INSTANCE;
      case ZSTD -> ZstdChunkCodec.DEFAULT;
    };
  }

  /** What compresses at a level. */
  static ChunkCodec of(Compression compression) {
    return compression.codec() == Codec.ZSTD
        ? new ZstdChunkCodec(compression.level())
        : of(compression.codec());
  }

  /** Which codec this is. */
  Codec codec();

  /** Most bytes that {@link #compress} may write for so many plain bytes. */
  int compressedLengthMax(int plainLength);

  /**
   * Compresses {@code plain[offset, offset + length)} to {@code destination} from {@code
   * destinationOffset}, where {@link #compressedLengthMax} bytes must fit.
   *
   * @return the compressed length. If it is not less than the plain one, the bytes are to be stored
   *     as they are: the destination may then hold anything.
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
