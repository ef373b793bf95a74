package io.nbdvault.bench;

import com.github.luben.zstd.ZstdCompressCtx;
import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/**
 * What do the codecs make of 64 KiB chunks of some files, and how much CPU time do they take? Run
 * it with {@code bench/codecs FILE...}. Chunks of zeros are left out: a store never compresses
 * them.
 */
final class CodecFigures {
  private static final int CHUNK_BYTES = 64 << 10;
  private static final int CHUNKS = Integer.getInteger("chunks", 1000);
  private static final int WARM_UP_CHUNKS = 50;
  private static final List<String> COMPRESSIONS =
      List.of("lz4", "zstd:1", "zstd:3", "zstd:6", "zstd:9", "zstd:11", "zstd:15", "zstd:19");

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private CodecFigures() {}

  /** Compresses a chunk into the array; returns the length. */
  @FunctionalInterface
  private interface Compressor {
    int compress(byte[] plain, byte[] destination);
  }

  /** One line of the table: averages of a chunk. */
  private record Figures(double compressMicros, double decompressMicros, double storedPercent) {}

  public static void main(String[] files) throws IOException, MalformedRecordException {
    for (String file : files) {
      List<byte[]> chunks = chunks(file);
      System.out.printf("%s, %d chunks%n", file, chunks.size());
      for (String compression : COMPRESSIONS) {
        ChunkCodec codec = ChunkCodec.of(Compression.parse(compression));
        print(compression, measure(chunks, codec));
        if (codec.codec() == Codec.ZSTD && Compression.parse(compression).level() >= 11) {
          try (ZstdCompressCtx context =
              new ZstdCompressCtx().setLevel(Compression.parse(compression).level())) {
            print("  without trial", measure(chunks, context));
          }
        }
      }
    }
  }

  private static List<byte[]> chunks(String file) throws IOException {
    List<byte[]> chunks = new ArrayList<>();
    try (RandomAccessFile in = new RandomAccessFile(file, "r")) {
      long count = in.length() / CHUNK_BYTES;
      long step = Math.max(1, count / (2L * CHUNKS));
      for (long index = 0; index < count && chunks.size() < CHUNKS; index += step) {
        byte[] chunk = new byte[CHUNK_BYTES];
        in.seek(index * CHUNK_BYTES);
        in.readFully(chunk);
        if (!isZero(chunk)) {
          chunks.add(chunk);
        }
      }
    }
    return chunks;
  }

  private static boolean isZero(byte[] chunk) {
    for (byte value : chunk) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  private static Figures measure(List<byte[]> chunks, ChunkCodec codec)
      throws MalformedRecordException {
    byte[] compressed = new byte[codec.compressedLengthMax(CHUNK_BYTES)];
    byte[] plain = new byte[CHUNK_BYTES];
    Compressor compressor =
        (chunk, destination) -> codec.compress(chunk, 0, CHUNK_BYTES, destination, 0);
    warmUp(chunks, compressor, compressed);
    long compressNanos = 0;
    long decompressNanos = 0;
    long stored = 0;
    for (byte[] chunk : chunks) {
      long start = THREADS.getCurrentThreadCpuTime();
      int length = compressor.compress(chunk, compressed);
      compressNanos += THREADS.getCurrentThreadCpuTime() - start;
      stored += Math.min(length, CHUNK_BYTES);
      if (length < CHUNK_BYTES) {
        start = THREADS.getCurrentThreadCpuTime();
        codec.decompress(compressed, 0, length, plain, 0, CHUNK_BYTES);
        decompressNanos += THREADS.getCurrentThreadCpuTime() - start;
      }
    }
    return figures(chunks.size(), compressNanos, decompressNanos, stored);
  }

  private static Figures measure(List<byte[]> chunks, ZstdCompressCtx context) {
    byte[] compressed = new byte[2 * CHUNK_BYTES];
    Compressor compressor =
        (chunk, destination) ->
            context.compressByteArray(destination, 0, destination.length, chunk, 0, CHUNK_BYTES);
    warmUp(chunks, compressor, compressed);
    long start = THREADS.getCurrentThreadCpuTime();
    long stored = 0;
    for (byte[] chunk : chunks) {
      stored += Math.min(compressor.compress(chunk, compressed), CHUNK_BYTES);
    }
    return figures(chunks.size(), THREADS.getCurrentThreadCpuTime() - start, 0, stored);
  }

  private static void warmUp(List<byte[]> chunks, Compressor compressor, byte[] destination) {
    chunks.stream().limit(WARM_UP_CHUNKS).forEach(chunk -> compressor.compress(chunk, destination));
  }

  private static Figures figures(int chunks, long compressNanos, long decompressNanos, long bytes) {
    return new Figures(
        compressNanos / 1e3 / chunks,
        decompressNanos / 1e3 / chunks,
        100.0 * bytes / ((double) chunks * CHUNK_BYTES));
  }

  private static void print(String name, Figures figures) {
    System.out.printf(
        "%-16s compress %8.1f us  decompress %6.1f us  stored %7.3f %%%n",
        name, figures.compressMicros(), figures.decompressMicros(), figures.storedPercent());
  }
}
