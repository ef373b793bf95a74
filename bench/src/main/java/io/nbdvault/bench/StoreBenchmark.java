package io.nbdvault.bench;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoredChunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
@Fork(1)
public class StoreBenchmark {
  private static final int CHUNK_BYTES = 64 << 10;

  /** What the chunk holds: nothing, what was stored before, or something new each time. */
  @Param({"zero", "duplicate", "newText", "newRandom"})
  public String content = "zero";

  private final byte[] chunk = new byte[CHUNK_BYTES];
  private Path directory = Path.of(".");
  private ChunkStore store;
  private BackupSession session;
  private long number;

  /** Makes a repository for this trial. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    directory = Files.createTempDirectory("nbdvault-bench-");
    Path repository = directory.resolve("repository");
    Repositories.create(repository, RepositoryOptions.defaults());
    store = Repositories.open(repository);
    session = store.beginBackup(Set.of(), store.config().compression());
    Random random = new Random(1);
    if (content.equals("newRandom")) {
      random.nextBytes(chunk);
    } else if (!content.equals("zero")) {
      for (int i = 0; i < chunk.length; i++) {
        chunk[i] = (byte) ('a' + random.nextInt(16));
      }
    }
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
    List<Path> files;
    try (Stream<Path> found = Files.walk(directory)) {
      files = found.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
