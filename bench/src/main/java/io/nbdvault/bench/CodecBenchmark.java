package io.nbdvault.bench;

import io.nbdvault.chunkstore.Codec;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long does a chunk of 64 KiB take to compress, and to bring back, by what it holds? What does
 * not get smaller is stored as it is and only copied when it is read. The levels of zstd from 11 up
 * try a lower one first, so that they do not toil over such chunks. Run it with {@code bench/run
 * CodecBenchmark}; {@code bench/codecs} does it with files.
 */
@SuppressWarnings("NullAway.Init") // JMH calls fill() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CodecBenchmark {
  /** Codec and level. */
  @Param({"lz4", "zstd:3", "zstd:11"})
  public String compression;

  /** What the chunk holds. */
  @Param({"text", "random"})
  public String content;

  private ChunkCodec codec;
  private byte[] plain;
  private byte[] compressed;
  private ChunkCodec storedCodec;
  private byte[] stored;
  private int storedLength;
  private byte[] broughtBack;

  /** Makes the chunk, and what the store would keep of it. */
  @Setup
  public void fill() {
    codec = ChunkCodec.of(Compression.parse(compression));
    plain = Contents.of(content);
    compressed = new byte[codec.compressedLengthMax(plain.length)];
    broughtBack = new byte[plain.length];
    storedLength = compress();
    boolean smaller = storedLength < plain.length;
    storedCodec = smaller ? codec : ChunkCodec.of(Codec.NONE);
    stored = smaller ? compressed.clone() : plain.clone();
    storedLength = Math.min(storedLength, plain.length);
  }

  /** Compresses the chunk, as far as that takes to see whether it gets smaller. */
  @Benchmark
  public int compress() {
    return codec.compress(plain, 0, plain.length, compressed, 0);
  }

  /** Brings the chunk back from what the store would keep. */
  @Benchmark
  public byte[] decompress() throws MalformedRecordException {
    storedCodec.decompress(stored, 0, storedLength, broughtBack, 0, broughtBack.length);
    return broughtBack;
  }
}
