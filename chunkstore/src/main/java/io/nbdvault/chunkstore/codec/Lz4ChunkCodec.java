package io.nbdvault.chunkstore.codec;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/**
 * LZ4's block format. Only the "safe" decompressor is used: the others trust the length that the
 * stream claims, and have been read out of bounds with (CVE-2025-12183).
 */
final class Lz4ChunkCodec implements ChunkCodec {
  static final Lz4ChunkCodec INSTANCE = new Lz4ChunkCodec(LZ4Factory.fastestInstance());

  private final LZ4Compressor compressor;
  private final LZ4SafeDecompressor decompressor;

  private Lz4ChunkCodec(LZ4Factory factory) {
    this.compressor = factory.fastCompressor();
    this.decompressor = factory.safeDecompressor();
  }

  @Override
  public Codec codec() {
    return Codec.LZ4;
  }

  @Override
  public int compressedLengthMax(int plainLength) {
    return compressor.maxCompressedLength(plainLength);
  }

  @Override
  public int compress(
      byte[] plain, int offset, int length, byte[] destination, int destinationOffset) {
    return compressor.compress(plain, offset, length, destination, destinationOffset);
  }

  @Override
  public void decompress(
      byte[] source,
      int offset,
      int length,
      byte[] destination,
      int destinationOffset,
      int plainLength)
      throws MalformedRecordException {
    int written;
    try {
      written =
          decompressor.decompress(
              source, offset, length, destination, destinationOffset, plainLength);
    } catch (LZ4Exception e) {
      throw new MalformedRecordException(offset, "LZ4", e);
    }
    if (written != plainLength) {
      throw new MalformedRecordException(
          offset, "LZ4: " + written + " bytes (expected: " + plainLength + ")");
    }
  }
}
