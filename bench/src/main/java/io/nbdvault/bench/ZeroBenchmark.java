package io.nbdvault.bench;

import io.nbdvault.chunkstore.rocksdb.Zeros;
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
 * How long does the store take to see whether a chunk of 64 KiB holds only zeros, by where the
 * first byte is that does not? Run it with {@code bench/run ZeroBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls fill() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ZeroBenchmark {
  /** Which byte is not zero. If it is the first, no other is looked at: that takes nanoseconds. */
  @Param({"none", "first", "last"})
  public String differs;

  private byte[] zeros;
  private byte[] chunk;

  /** Makes the chunk. */
  @Setup
  public void fill() {
    zeros = new byte[Contents.CHUNK_BYTES];
    chunk = new byte[Contents.CHUNK_BYTES];
    if (!differs.equals("none")) {
      chunk[differs.equals("first") ? 0 : chunk.length - 1] = 1;
    }
  }

  /** Looks once. */
  @Benchmark
  public boolean isZero() {
    return Zeros.isZero(chunk, 0, chunk.length, zeros);
  }
}
