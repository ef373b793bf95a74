package io.nbdvault.chunkstore.codec;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.format.MalformedRecordException;

/** The bytes as they are. */
final class UncompressedChunkCodec implements ChunkCodec {
  static final UncompressedChunkCodec INSTANCE = new UncompressedChunkCodec();

  private UncompressedChunkCodec() {}

  @Override
  public Codec codec() {
    return Codec.NONE;
  }

  @Override
  public int compressedLengthMax(int plainLength) {
    return plainLength;
  }

  @Override
  public int compress(
      byte[] plain, int offset, int length, byte[] destination, int destinationOffset) {
    System.arraycopy(plain, offset, destination, destinationOffset, length);
    return length;
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
    if (length != plainLength) {
      throw new MalformedRecordException(
          offset, "uncompressed length: " + length + " (expected: " + plainLength + ")");
    }
    System.arraycopy(source, offset, destination, destinationOffset, length);
  }
}
