package io.nbdvault.bench;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.crypto.SealedContent;
import io.nbdvault.chunkstore.crypto.UnlockedKeys;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.key.KeyFile;
import java.time.Instant;
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
 * How long does the id of a chunk of 64 KiB take: its SHA-256, or its HMAC in a repository that is
 * encrypted? Of a heap array, since the store hashes nothing else. Run it with {@code bench/run
 * IdBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls fill() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class IdBenchmark {
  /** Whether the repository is encrypted. */
  @Param({"false", "true"})
  public boolean keyed;

  private ContentCipher cipher;
  private byte[] chunk;

  /** Makes the keys and the chunk. */
  @Setup
  public void fill() {
    chunk = Contents.of("random");
    cipher = keyed ? new SealedContent(keys()) : new PlainContent();
  }

  private static UnlockedKeys keys() {
    KeyFile key = KeyFile.of(new byte[KeyFile.BYTES_MIN]);
    return UnlockedKeys.create("00".repeat(16), key, "", Instant.EPOCH);
  }

  /** Makes the id. */
  @Benchmark
  public ChunkId id() {
    return cipher.id(RecordType.CHUNK, chunk, 0, chunk.length);
  }
}
