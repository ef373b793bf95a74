package io.nbdvault.bench.store;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoredChunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongPredicate;

/**
 * What does a repository cost over its whole life? One disk is backed up, a tenth of its chunks,
 * here and there, becomes zeros in the next snapshot, 37% of it in one piece in the one after that;
 * each time the snapshot before is forgotten, what it held is collected and the disk is read again.
 * Started by {@code bench/lifecycle}; prints lines of {@code name=value}.
 */
public final class Lifecycle implements AutoCloseable {
  private static final int CHUNKS_IN_FLIGHT = 64;

  private final ChunkStore store;
  private final DirectorySize size;
  private final int chunkBytes;
  private final long chunks;
  private long begunNanos;
  private double begunCpu;
  private long begunWritten;

  private Lifecycle(Path dir, long chunks) throws IOException {
    Repositories.create(dir, RepositoryOptions.defaults());
    this.store = Repositories.open(dir);
    this.chunkBytes = store.config().chunkSizeBytes();
    this.size = new DirectorySize(dir);
    this.chunks = chunks;
  }

  /** Does {@code DIR CHUNKS}. */
  public static void main(String[] args) throws IOException {
    try (Lifecycle life = new Lifecycle(Path.of(args[0]), Long.parseLong(args[1]))) {
      life.run();
    }
  }

  @Override
  public void close() {
    size.close();
    store.close();
  }

  private void run() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    boolean[] scattered = new boolean[Math.toIntExact(chunks)];
    for (int i = 0; i < scattered.length; i++) {
      scattered[i] = random.nextInt(10) == 0;
    }
    begin();
    SnapshotRecord first = ingest();
    end("ingest", "");
    read("read", first);
    SnapshotRecord second = zero(first, chunk -> scattered[(int) chunk]);
    collect("scattered", first);
    read("read-scattered", second);
    SnapshotRecord third =
        zero(second, chunk -> chunk >= chunks * 30 / 100 && chunk < chunks * 67 / 100);
    collect("contiguous", second);
    read("read-contiguous", third);
  }

  private SnapshotRecord ingest() throws IOException {
    byte[] content = new byte[chunkBytes];
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      DiskTreeBuilder disk = session.newDisk(chunks * chunkBytes, Optional.empty());
      List<CompletableFuture<StoredChunk>> inFlight = new ArrayList<>();
      for (long next = 0; next < chunks; ) {
        long until = Math.min(chunks, next + CHUNKS_IN_FLIGHT);
        inFlight.clear();
        for (long chunk = next; chunk < until; chunk++) {
          fill(content, chunk);
          inFlight.add(session.put(content, 0, content.length));
        }
        for (CompletableFuture<StoredChunk> stored : inFlight) {
          disk.append(next++, stored.join().id());
        }
      }
      return commit(session, disk, Optional.empty());
    }
  }

  /** Half of it does not compress, the other half does to nearly nothing. */
  private static void fill(byte[] content, long chunk) {
    SplittableRandom random = new SplittableRandom(chunk);
    ByteBuffer out = ByteBuffer.wrap(content);
    while (out.position() < content.length / 2) {
      out.putLong(random.nextLong());
    }
    Arrays.fill(content, content.length / 2, content.length, (byte) chunk);
  }

  /** The same disk with zeros wherever {@code gone} says so. */
  private SnapshotRecord zero(SnapshotRecord parent, LongPredicate gone) throws IOException {
    try (BackupSession session = store.beginBackup(Set.of(parent.id()), Compression.LZ4)) {
      DiskTreeBuilder disk =
          session.newDisk(chunks * chunkBytes, Optional.of(parent.disks().get(0)));
      for (long chunk = 0; chunk < chunks; chunk++) {
        if (gone.test(chunk)) {
          disk.append(chunk, ChunkId.ZERO);
        }
      }
      return commit(session, disk, Optional.of(parent));
    }
  }

  private SnapshotRecord commit(
      BackupSession session, DiskTreeBuilder disk, Optional<SnapshotRecord> parent)
      throws IOException {
    return session.commit(
        Records.of(
            session.snapshotId(),
            "vm",
            0,
            parent.map(SnapshotRecord::id),
            chunks * chunkBytes,
            disk.finish()));
  }

  private void collect(String step, SnapshotRecord forgotten) throws IOException {
    store.forget(Set.of(forgotten.id()));
    long before = size.bytes();
    begin();
    CollectReport report = store.collect(CollectOptions.defaults(), CollectListener.silent());
    long after = size.bytes();
    end(
        step,
        String.format(
            Locale.ROOT,
            " before_bytes=%d dead_bytes=%d given_back=%.3f",
            before,
            report.unreachableBytes(),
            (double) (before - after) / report.unreachableBytes()));
  }

  private void read(String step, SnapshotRecord record) throws IOException {
    byte[] content = new byte[chunkBytes];
    long[] bytes = new long[1];
    begin();
    try (SnapshotReader reader = store.open(record.id())) {
      DiskReader disk = reader.disk(Records.DISK);
      disk.forEachChunk(
          0,
          chunks,
          (index, id, length) -> {
            bytes[0] += disk.read(id, content, 0);
            return true;
          });
    }
    double seconds = (System.nanoTime() - begunNanos) / 1e9;
    end(step, String.format(Locale.ROOT, " mb_per_s=%.0f", bytes[0] / 1e6 / seconds));
  }

  private void begin() throws IOException {
    size.takePeakBytes();
    begunNanos = System.nanoTime();
    begunCpu = ProcessUse.cpuSeconds();
    begunWritten = ProcessUse.writtenBytes();
  }

  private void end(String step, String more) throws IOException {
    long bytes = size.bytes();
    System.out.printf(
        Locale.ROOT,
        "step=%s seconds=%.3f cpu=%.3f written_bytes=%d bytes=%d peak_bytes=%d%s%n",
        step,
        (System.nanoTime() - begunNanos) / 1e9,
        ProcessUse.cpuSeconds() - begunCpu,
        ProcessUse.writtenBytes() - begunWritten,
        bytes,
        Math.max(bytes, size.takePeakBytes()),
        more);
  }
}
