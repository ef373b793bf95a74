package io.nbdvault.bench;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.rocksdb.OpenIndex;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
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
 * How long does it take to look up the id of a chunk that is in the store, and of one that is not?
 * The row is decoded, the chunk is not read. In an index that fits into memory; {@code bench/scale}
 * has larger ones. Run it with {@code bench/run IndexBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls open() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class IndexBenchmark {
  private static final int IN_FLIGHT = 1000;
  private static final int LOOKED_UP = 1 << 14;

  /** Chunks in the store: as many as a disk of 16 GiB has, but of 8 bytes each. */
  @Param("250000")
  public int chunks;

  /** Whether what is looked up is there. */
  @Param({"true", "false"})
  public boolean present;

  private final ChunkId[] ids = new ChunkId[LOOKED_UP];
  private TemporaryRepository repository;
  private OpenIndex index;
  private int next;

  /** Fills a repository. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    repository = new TemporaryRepository();
    try (ChunkStore store = Repositories.open(repository.path());
        BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      fill(session);
    }
    index = OpenIndex.of(repository.path());
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < LOOKED_UP; i++) {
      byte[] content = content(random.nextInt(chunks) + (present ? 0 : chunks));
      ids[i] = ContentId.of(content, 0, content.length);
      if (index.contains(ids[i]) != present) {
        throw new IllegalStateException("chunk " + ids[i] + " (expected: present=" + present + ")");
      }
    }
  }

  private void fill(BackupSession session) {
    List<CompletableFuture<StoredChunk>> inFlight = new ArrayList<>(IN_FLIGHT);
    for (int number = 0; number < chunks; number++) {
      byte[] content = content(number);
      inFlight.add(session.put(content, 0, content.length));
      if (inFlight.size() == IN_FLIGHT || number == chunks - 1) {
        inFlight.forEach(CompletableFuture::join);
        inFlight.clear();
      }
    }
  }

  /** Never zeros. */
  private static byte[] content(int number) {
    return ByteBuffer.allocate(Long.BYTES).putLong(number + 1L).array();
  }

  /** Looks up one id, each time the next of many. */
  @Benchmark
  public boolean lookUp() throws StoreException {
    next = (next + 1) % LOOKED_UP;
    return index.contains(ids[next]);
  }

  /** Removes the repository. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    index.close();
    repository.close();
  }
}
