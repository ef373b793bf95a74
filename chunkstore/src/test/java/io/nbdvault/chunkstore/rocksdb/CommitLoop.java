package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.TestRecords;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Runs in a process of its own and commits one snapshot after the other until it is killed. What a
 * snapshot holds follows from its id, so that another process can check it. Says {@code begin ID}
 * before each commit and {@code done ID} after it.
 */
final class CommitLoop {
  static final int CHUNK = 16 << 10;
  static final int CHUNKS = 300;
  static final long SIZE_BYTES = (long) CHUNK * CHUNKS;

  private static final int CHANGES = 20;

  private CommitLoop() {}

  public static void main(String[] args) throws Exception {
    try (ChunkStore store = Repositories.open(Path.of(args[0]))) {
      List<SnapshotRecord> there = store.snapshots();
      Optional<SnapshotRecord> parent =
          there.isEmpty() ? Optional.empty() : Optional.of(there.get(there.size() - 1));
      while (true) {
        parent = Optional.of(commitOne(store, parent));
      }
    }
  }

  private static SnapshotRecord commitOne(ChunkStore store, Optional<SnapshotRecord> parent)
      throws Exception {
    Set<SnapshotId> parents = parent.map(record -> Set.of(record.id())).orElse(Set.of());
    try (BackupSession session = store.beginBackup(parents, Compression.LZ4)) {
      DiskTreeBuilder tree =
          session.newDisk(SIZE_BYTES, parent.flatMap(record -> record.disk("vda")));
      List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
      int[] places = places(session.snapshotId());
      for (int place : places) {
        puts.add(session.put(content(session.snapshotId(), place), 0, CHUNK));
      }
      for (int i = 0; i < places.length; i++) {
        tree.append(places[i], puts.get(i).join().id());
      }
      DiskRoot root = tree.finish();
      DiskRecord vda = TestRecords.disk("vda", SIZE_BYTES, root.root());
      say("begin", session.snapshotId());
      // Ids are random and times must ascend, or the next process would take another parent.
      SnapshotRecord record =
          session.commit(TestRecords.snapshot(session.snapshotId(), Instant.now(), vda));
      say("done", session.snapshotId());
      return record;
    }
  }

  /** The chunks that a snapshot changed, ascending. */
  static int[] places(SnapshotId id) {
    return new Random(id.hex().hashCode())
        .ints(0, CHUNKS)
        .distinct()
        .limit(CHANGES)
        .sorted()
        .toArray();
  }

  /** What a snapshot put into a chunk. */
  static byte[] content(SnapshotId id, int place) {
    byte[] content = new byte[CHUNK];
    new Random(id.hex().hashCode() * 31L + place).nextBytes(content);
    return content;
  }

  private static void say(String what, SnapshotId id) {
    System.out.println(what + " " + id.hex());
    System.out.flush();
  }
}
