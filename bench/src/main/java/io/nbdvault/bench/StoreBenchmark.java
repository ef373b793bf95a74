package io.nbdvault.bench;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoredChunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to put one 64 KiB chunk into the store, by what the chunk is? Run it with
 * {@code bench/run StoreBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls open() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class StoreBenchmark {
  /** What the chunk holds: nothing, what was stored before, or something new each time. */
  @Param({"zero", "duplicate", "newText", "newRandom"})
  public String content = "zero";

  private byte[] chunk;
  private TemporaryRepository repository;
  private ChunkStore store;
  private BackupSession session;
  private long number;

  /** Makes a repository for this trial. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    repository = new TemporaryRepository();
    store = Repositories.open(repository.path());
    session = store.beginBackup(Set.of(), store.config().compression());
    chunk =
        content.equals("zero")
            ? new byte[Contents.CHUNK_BYTES]
            : Contents.of(content.equals("newRandom") ? "random" : "text");
  }

  /** Puts one chunk and waits until it is stored. */
  @Benchmark
  public StoredChunk put() {
    if (content.startsWith("new")) {
      ByteBuffer.wrap(chunk).putLong(0, ++number);
    }
    return session.put(chunk, 0, chunk.length).join();
  }

  /** Removes the repository. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    session.close();
    store.close();
    repository.close();
  }
}
