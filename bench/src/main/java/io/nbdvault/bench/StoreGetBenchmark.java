package io.nbdvault.bench;

import io.nbdvault.bench.store.Records;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
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
 * How long does it take to read one chunk of 64 KiB from a snapshot whose content is in memory?
 * With the look-up of its id, the record's checksum, decompression and the check of its id. Run it
 * with {@code bench/run StoreGetBenchmark}.
 */
@SuppressWarnings("NullAway.Init") // JMH calls open() first.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StoreGetBenchmark {
  /** 16 MiB of chunks: more than a processor's own caches, less than the store's. */
  private static final int CHUNKS = 256;

  /** What the chunks hold. */
  @Param({"text", "random"})
  public String content;

  private final ChunkId[] ids = new ChunkId[CHUNKS];
  private final byte[] destination = new byte[Contents.CHUNK_BYTES];
  private TemporaryRepository repository;
  private ChunkStore store;
  private SnapshotReader snapshot;
  private DiskReader disk;
  private int next;

  /** Makes a repository with one snapshot, and opens it anew. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    repository = new TemporaryRepository();
    SnapshotRecord record;
    try (ChunkStore filled = Repositories.open(repository.path())) {
      record = backUp(filled);
    }
    store = Repositories.open(repository.path());
    snapshot = store.open(record.id());
    disk = snapshot.disk(Records.DISK);
    for (int i = 0; i < CHUNKS; i++) {
      get();
    }
  }

  private SnapshotRecord backUp(ChunkStore filled) throws StoreException {
    byte[] chunk = Contents.of(content);
    long sizeBytes = (long) CHUNKS * chunk.length;
    try (BackupSession session = filled.beginBackup(Set.of(), filled.config().compression())) {
      DiskTreeBuilder tree = session.newDisk(sizeBytes, Optional.empty());
      for (int i = 0; i < CHUNKS; i++) {
        ByteBuffer.wrap(chunk).putInt(0, i);
        ids[i] = session.put(chunk, 0, chunk.length).join().id();
        tree.append(i, ids[i]);
      }
      return session.commit(
          Records.of(session.snapshotId(), "vm", 0, Optional.empty(), sizeBytes, tree.finish()));
    }
  }

  /** Reads one chunk, each time the next. */
  @Benchmark
  public int get() throws StoreException {
    next = (next + 1) % CHUNKS;
    return disk.read(ids[next], destination, 0);
  }

  /** Removes the repository. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    snapshot.close();
    store.close();
    repository.close();
  }
}
