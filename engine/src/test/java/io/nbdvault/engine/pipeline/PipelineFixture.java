package io.nbdvault.engine.pipeline;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.SourceDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** A real repository with small chunks, and limits so small that everything has to wait. */
final class PipelineFixture implements AutoCloseable {
  static final int CHUNK = 16 << 10;

  final ChunkStore store;

  PipelineFixture(Path directory) throws IOException {
    Repositories.create(directory, new RepositoryOptions(CHUNK, Compression.LZ4));
    store = Repositories.open(directory);
  }

  static EngineLimits limits() {
    return new EngineLimits(
        256 << 10,
        64 << 10,
        1,
        1 << 20,
        8,
        3,
        0,
        Duration.ofSeconds(1),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        Duration.ofSeconds(5));
  }

  static long seed() {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    return seed;
  }

  /** Bytes in runs: random ones, one and the same, and zeroes. */
  static void fill(byte[] content, int from, int to, Random random) {
    int position = from;
    while (position < to) {
      int length = Math.min(to - position, 1 + random.nextInt(3 * CHUNK));
      byte[] piece = new byte[length];
      switch (random.nextInt(3)) {
        case 0 -> random.nextBytes(piece);
        case 1 -> Arrays.fill(piece, (byte) random.nextInt(256));
        default -> {
          // Zeroes.
        }
      }
      System.arraycopy(piece, 0, content, position, length);
      position += length;
    }
  }

  /** Commits a snapshot with one disk, as a backup does. */
  static SnapshotRecord commit(BackupSession session, SourceDisk disk, DiskReading.Result result)
      throws IOException {
    DiskRecord record =
        new DiskRecord(
            disk.name(),
            disk.sizeBytes(),
            disk.format(),
            result.root().root(),
            Optional.empty(),
            result.statistics(),
            disk.fullReason().isEmpty(),
            disk.fullReason());
    return session.commit(
        new SnapshotRecord(
            session.snapshotId(),
            "vm",
            Optional.empty(),
            Instant.now(),
            Consistency.CRASH,
            Optional.empty(),
            java.util.List.of(record),
            java.util.List.of(),
            new SnapshotStatistics(Duration.ZERO),
            new TreeMap<>(),
            Optional.empty(),
            Optional.empty()));
  }

  BackupSession begin(Optional<SnapshotRecord> parent) throws IOException {
    return store.beginBackup(
        parent.map(p -> Set.of(p.id())).orElse(Set.of()), store.config().compression());
  }

  /** Backs up a disk of this content, in full. */
  SnapshotRecord backUp(Pipeline pipeline, byte[] content, long seed) throws Exception {
    ExtentKind[] kinds = new ExtentKind[content.length];
    Arrays.fill(kinds, ExtentKind.DATA);
    try (MemoryDisk disk = new MemoryDisk(content, kinds, false, seed);
        BackupSession session = begin(Optional.empty())) {
      ProgressMeter meter = new ProgressMeter(event -> {}, 0);
      return commit(
          session,
          disk,
          new DiskReading(pipeline, disk, session, CHUNK, Optional.empty(), Optional.empty(), meter)
              .run());
    }
  }

  /** What a snapshot of one disk holds. */
  byte[] contentOf(SnapshotRecord snapshot) throws IOException {
    try (SnapshotReader reader = store.open(snapshot.id())) {
      DiskReader disk = reader.disk("d");
      byte[] content = new byte[(int) disk.sizeBytes()];
      disk.forEachChunk(
          0,
          (content.length + CHUNK - 1) / CHUNK,
          (index, id, length) -> disk.read(id, content, (int) index * CHUNK) == length);
      return content;
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
