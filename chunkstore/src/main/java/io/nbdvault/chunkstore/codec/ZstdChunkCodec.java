package io.nbdvault.chunkstore.codec;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.Objects;

/**
 * One zstd frame (RFC 8878) that says how long its content is, with neither checksum nor
 * dictionary. What the frame says is compared and never relied on: the destination's range alone
 * bounds what is written, and nothing is allocated for a frame.
 */
final class ZstdChunkCodec implements ChunkCodec {
  static final ZstdChunkCodec DEFAULT = new ZstdChunkCodec(Compression.ZSTD_LEVEL_DEFAULT);

  /** As many as processors, but memory for no more than this is set aside. */
  private static final int CONTEXTS_MAX =
      Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors()));

  private static final ContextPool<ZstdCompressor> COMPRESSORS =
      new ContextPool<>(CONTEXTS_MAX, ZstdCompressor::new);
  private static final ContextPool<ZstdDecompressCtx> DECOMPRESSORS =
      new ContextPool<>(CONTEXTS_MAX, ZstdDecompressCtx::new);

  private final int level;

  ZstdChunkCodec(int level) {
    this.level = level;
  }

  @Override
  public Codec codec() {
    return Codec.ZSTD;
  }

  @Override
  public int compressedLengthMax(int plainLength) {
    return Math.toIntExact(Zstd.compressBound(plainLength));
  }

  @Override
  public int compress(
      byte[] plain, int offset, int length, byte[] destination, int destinationOffset) {
    Objects.checkFromIndexSize(offset, length, plain.length);
    Objects.checkFromIndexSize(destinationOffset, compressedLengthMax(length), destination.length);
    return COMPRESSORS.use(
        zstd -> zstd.compress(level, plain, offset, length, destination, destinationOffset));
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
    Objects.checkFromIndexSize(offset, length, source.length);
    Objects.checkFromIndexSize(destinationOffset, plainLength, destination.length);
    int written;
    try {
      checkFrame(source, offset, length, plainLength);
      written =
          DECOMPRESSORS.use(
              zstd ->
                  zstd.decompressByteArray(
                      destination, destinationOffset, plainLength, source, offset, length));
    } catch (ZstdException e) {
      throw new MalformedRecordException(offset, "zstd", e);
    }
    requireLength(written, plainLength, "bytes", offset);
  }

  /** The library would also take several frames, frames that are passed over, and old formats. */
  private static void checkFrame(byte[] source, int offset, int length, int plainLength)
      throws MalformedRecordException {
    if (length < Integer.BYTES || magicNumber(source, offset) != Zstd.magicNumber()) {
      throw new MalformedRecordException(offset, "zstd: not a frame");
    }
    long content = Zstd.getFrameContentSize(source, offset, length);
    requireLength(content, plainLength, "bytes by its header", offset);
    long frame = Zstd.findFrameCompressedSize(source, offset, length);
    requireLength(frame, length, "bytes of frame", offset);
  }

  private static int magicNumber(byte[] source, int offset) {
    return (source[offset] & 0xff)
        | (source[offset + 1] & 0xff) << 8
        | (source[offset + 2] & 0xff) << 16
        | (source[offset + 3] & 0xff) << 24;
  }

  private static void requireLength(long found, int expected, String what, int offset)
      throws MalformedRecordException {
    if (found != expected) {
      String reason = Zstd.isError(found) ? Zstd.getErrorName(found) : found + " " + what;
      throw new MalformedRecordException(
          offset, "zstd: " + reason + " (expected: " + expected + ")");
    }
  }
}
