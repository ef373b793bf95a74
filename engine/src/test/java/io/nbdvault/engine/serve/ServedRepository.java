package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.nbd.server.Export;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** A real repository with small chunks that a test fills, and a look at what is served of it. */
final class ServedRepository {
  static final int CHUNK = 16 << 10;

  private final Path path;

  ServedRepository(Path path) throws IOException {
    this.path = path;
    Repositories.create(path, new RepositoryOptions(CHUNK, Compression.LZ4));
  }

  /** Flips a bit in the middle of its largest file: of chunks, if there are many. */
  void damage() throws IOException {
    Path largest = path.resolve("config.json");
    try (DirectoryStream<Path> tables = Files.newDirectoryStream(path.resolve("db"), "*.sst")) {
      for (Path table : tables) {
        largest = Files.size(table) > Files.size(largest) ? table : largest;
      }
    }
    byte[] bytes = Files.readAllBytes(largest);
    bytes[bytes.length / 2] ^= 1;
    Files.write(largest, bytes);
  }

  static ServeLimits limits() {
    return new ServeLimits(20L * CHUNK, 16, 8, 8 * CHUNK, 2, 16, 100, 3, 0, 5);
  }

  StoreSource source() {
    return StoreSource.of(path, Unlocking.none());
  }

  ChunkStore open() throws IOException {
    return Repositories.open(path);
  }

  static long seed() {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    return seed;
  }

  /** Random bytes with holes, of chunks and of less. */
  static byte[] content(int size, Random random) {
    byte[] content = new byte[size];
    random.nextBytes(content);
    for (int hole = 0; hole < 6; hole++) {
      int from = random.nextInt(size);
      Arrays.fill(content, from, Math.min(size, from + random.nextInt(8 * CHUNK)), (byte) 0);
    }
    return content;
  }

  /** Commits a snapshot with these disks. */
  SnapshotRecord commit(String vm, Map<String, byte[]> disks) throws IOException {
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      List<DiskRecord> records = new ArrayList<>();
      for (Map.Entry<String, byte[]> disk : new TreeMap<>(disks).entrySet()) {
        records.add(store(session, disk.getKey(), disk.getValue()));
      }
      return session.commit(
          new SnapshotRecord(
              session.snapshotId(),
              vm,
              Optional.empty(),
              Instant.now(),
              Consistency.CRASH,
              Optional.empty(),
              records,
              List.of(),
              new SnapshotStatistics(Duration.ZERO),
              new TreeMap<>(),
              Optional.empty(),
              Optional.empty()));
    }
  }

  private static DiskRecord store(BackupSession session, String name, byte[] content)
      throws IOException {
    DiskTreeBuilder tree = session.newDisk(content.length, Optional.empty());
    for (int offset = 0; offset < content.length; offset += CHUNK) {
      int length = Math.min(CHUNK, content.length - offset);
      tree.append(offset / CHUNK, session.put(content, offset, length).join().id());
    }
    return new DiskRecord(
        name,
        content.length,
        "raw",
        tree.finish().root(),
        Optional.empty(),
        new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
        false,
        Optional.empty());
  }

  /** Reads a range as a client would. */
  static byte[] read(Export export, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    export.read(
        offset,
        length,
        new Export.ReadSink() {
          @Override
          public void data(ByteBuffer piece) {
            bytes.put(piece);
          }

          @Override
          public void hole(long lengthBytes) {
            bytes.position(bytes.position() + (int) lengthBytes);
          }
        });
    if (bytes.hasRemaining()) {
      throw new IllegalStateException(bytes.remaining() + " bytes are missing");
    }
    return bytes.array();
  }

  /** The flags of each byte of a range, as the extents say; the last may reach past it. */
  static long[] flags(Export export, String context, long offset, int length) throws IOException {
    long[] flags = new long[length];
    int[] position = new int[1];
    while (position[0] < length) {
      int before = position[0];
      export.extents(
          context,
          offset + before,
          length - before,
          (extent, value) -> {
            int end = (int) Math.min(length, position[0] + extent);
            Arrays.fill(flags, position[0], end, value);
            position[0] = end;
            return true;
          });
      if (position[0] == before) {
        throw new IllegalStateException("no extent at " + before);
      }
    }
    return flags;
  }
}
