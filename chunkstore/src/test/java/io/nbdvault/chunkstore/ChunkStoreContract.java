package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every implementation of {@link ChunkStore} must do. */
@Timeout(60)
public abstract class ChunkStoreContract extends ChunkStoreFixture {

  @Test
  void readsBackWhatWasCommittedAfterOpeningAgain() throws IOException {
    Random random = Seeds.random("round trip");
    DiskImage disk = new DiskImage(200 * CHUNK + 777, CHUNK);
    for (int chunk = 0; chunk < disk.chunkCount(); chunk += 1 + random.nextInt(3)) {
      if (random.nextBoolean()) {
        disk.fill(chunk, random);
      } else {
        disk.fill(chunk, random.nextInt(5));
      }
    }
    disk.fill(disk.chunkCount() - 1, random);
    SnapshotRecord committed;
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      committed = commit(session, 0, disk.backUp(session, "vda", NO_PARENT));
      assertThat(read(store, committed.id())).isEqualTo(disk.bytes());
    }
    try (ChunkStore store = open()) {
      assertThat(store.snapshots()).containsExactly(committed);
      assertThat(store.snapshot(committed.id())).contains(committed);
      assertThat(read(store, committed.id())).isEqualTo(disk.bytes());
    }
  }

  @Test
  void tellsWhichBytesAnIdNames() throws IOException {
    DiskImage disk = new DiskImage(3 * CHUNK + 777, CHUNK);
    disk.fill(1, Seeds.random("which bytes"));
    disk.fill(3, Seeds.random("which bytes at the end"));
    byte[] content = disk.bytes();
    try (ChunkStore store = open()) {
      SnapshotRecord snapshot = backUp(store, disk, 0);
      try (SnapshotReader reader = store.open(snapshot.id())) {
        DiskReader vda = reader.disk("vda");
        List<Long> seen = new ArrayList<>();
        vda.forEachChunk(
            0,
            4,
            (index, id, length) -> {
              int offset = (int) index * CHUNK;
              assertThat(vda.matches(id, content, offset, length)).isTrue();
              assertThat(vda.matches(id, content, offset, length - 1)).isFalse();
              content[offset + length - 1] ^= 1;
              assertThat(vda.matches(id, content, offset, length)).isFalse();
              assertThat(vda.matches(ChunkId.ZERO, content, offset, length)).isFalse();
              return seen.add(index);
            });
        assertThat(seen).containsExactly(1L, 3L);
        content[CHUNK] = 1;
        assertThat(vda.matches(ChunkId.ZERO, content, 0, CHUNK)).isTrue();
        assertThat(vda.matches(ChunkId.ZERO, content, 0, CHUNK + 1)).isFalse();
        content[CHUNK - 1] = 1;
        assertThat(vda.matches(ChunkId.ZERO, content, 0, CHUNK)).isFalse();
        assertThat(vda.matches(ChunkId.ZERO, content, 0, CHUNK - 1)).isTrue();
        assertThatThrownBy(() -> vda.matches(ChunkId.ZERO, content, 0, content.length + 1))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void readsChunksOfEveryCompressionFromOneStore() throws IOException {
    DiskImage disk = new DiskImage(6 * CHUNK, CHUNK);
    Random random = Seeds.random("every compression");
    List<Compression> compressions =
        List.of(
            Compression.NONE,
            Compression.LZ4,
            Compression.zstd(1),
            Compression.zstd(3),
            Compression.zstd(11),
            Compression.zstd(19));
    List<SnapshotId> snapshots = new ArrayList<>();
    List<byte[]> contents = new ArrayList<>();
    try (ChunkStore store = open()) {
      for (Compression compression : compressions) {
        disk.fill(snapshots.size(), random);
        disk.fill((snapshots.size() + 1) % 6, 1 + snapshots.size());
        try (BackupSession session = store.beginBackup(Set.of(), compression)) {
          DiskRecord backedUp = disk.backUp(session, "vda", NO_PARENT);
          snapshots.add(commit(session, snapshots.size(), backedUp).id());
          contents.add(disk.bytes());
        }
      }
    }
    try (ChunkStore store = open()) {
      for (int i = 0; i < snapshots.size(); i++) {
        assertThat(read(store, snapshots.get(i))).isEqualTo(contents.get(i));
      }
    }
  }

  @Test
  void storesNoMoreThanAHeaderBesideBytesThatDoNotCompress() throws StoreException {
    byte[] chunk = new byte[CHUNK];
    Random random = Seeds.random("incompressible");
    try (ChunkStore store = open()) {
      for (String compression : List.of("none", "lz4", "zstd:1", "zstd:11", "zstd:19")) {
        random.nextBytes(chunk);
        try (BackupSession session = store.beginBackup(Set.of(), Compression.parse(compression))) {
          StoredChunk stored = session.put(chunk, 0, CHUNK).join();
          assertThat(stored.storedBytes()).isBetween(CHUNK, CHUNK + 200);
        }
      }
    }
  }

  @Test
  void keepsTheParentsContentWhereNothingChanged() throws IOException {
    Random random = Seeds.random("incremental");
    DiskImage disk = new DiskImage(300 * CHUNK, CHUNK);
    for (int chunk = 0; chunk < 300; chunk++) {
      disk.fill(chunk, random);
    }
    try (ChunkStore store = open()) {
      SnapshotRecord first = backUp(store, disk, 0);
      byte[] before = disk.bytes();
      disk.fill(7, random);
      disk.fill(100, 0);
      SnapshotRecord second;
      try (BackupSession session = store.beginBackup(Set.of(first.id()), Compression.NONE)) {
        DiskTreeBuilder tree = session.newDisk(300L * CHUNK, first.disk("vda"));
        tree.append(7, session.put(disk.bytes(), 7 * CHUNK, CHUNK).join().id());
        tree.appendZeros(100, 1);
        DiskRoot root = tree.finish();
        assertThat(root.nodesNew()).isEqualTo(2);
        second = commit(session, 1, TestRecords.disk("vda", 300L * CHUNK, root.root()));
      }
      assertThat(read(store, first.id())).isEqualTo(before);
      assertThat(read(store, second.id())).isEqualTo(disk.bytes());
    }
  }

  @Test
  void takesEachDiskFromWhicheverParentHasIt() throws IOException {
    DiskImage vda = new DiskImage(10 * CHUNK, CHUNK);
    vda.fill(1, 1);
    DiskImage vdb = new DiskImage(20 * CHUNK, CHUNK);
    vdb.fill(2, 2);
    try (ChunkStore store = open()) {
      SnapshotRecord older;
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        older = commit(session, 0, vdb.backUp(session, "vdb", NO_PARENT));
      }
      SnapshotRecord latest = backUp(store, vda, 1);
      Set<SnapshotId> parents = Set.of(older.id(), latest.id());
      try (BackupSession session = store.beginBackup(parents, Compression.LZ4)) {
        DiskRoot a = session.newDisk(10 * CHUNK, latest.disk("vda")).finish();
        DiskRoot b = session.newDisk(20 * CHUNK, older.disk("vdb")).finish();
        commit(
            session,
            2,
            TestRecords.disk("vda", 10 * CHUNK, a.root()),
            TestRecords.disk("vdb", 20 * CHUNK, b.root()));
        try (SnapshotReader reader = store.open(session.snapshotId())) {
          assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(vda.bytes());
          assertThat(DiskImage.readAll(reader.disk("vdb"))).isEqualTo(vdb.bytes());
        }
      }
    }
  }

  @Test
  void saysWhatBecameOfEachChunk() throws StoreException {
    byte[] text = new byte[CHUNK];
    Arrays.fill(text, (byte) 'x');
    byte[] noise = new byte[CHUNK];
    Seeds.random("outcomes").nextBytes(noise);
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      StoredChunk first = session.put(text, 0, CHUNK).join();
      assertThat(first.outcome()).isEqualTo(StoredChunk.Outcome.NEW);
      assertThat(first.storedBytes()).isBetween(1, 1000);
      assertThat(session.put(text.clone(), 0, CHUNK).join())
          .isEqualTo(new StoredChunk(first.id(), StoredChunk.Outcome.DUPLICATE, 0));
      StoredChunk incompressible = session.put(noise, 0, CHUNK).join();
      assertThat(incompressible.storedBytes()).isBetween(CHUNK, CHUNK + 100);
      assertThat(session.put(new byte[CHUNK], 0, CHUNK).join())
          .isEqualTo(new StoredChunk(ChunkId.ZERO, StoredChunk.Outcome.ZERO, 0));
      StoredChunk shorter = session.put(text, 5, 100).join();
      assertThat(shorter.outcome()).isEqualTo(StoredChunk.Outcome.NEW);
      assertThat(shorter.id()).isNotEqualTo(first.id());
    }
  }

  @Test
  void storesOnceWhatManyThreadsPutAtTheSameTime() throws Exception {
    Random random = Seeds.random("many threads");
    byte[][] chunks = new byte[50][CHUNK];
    for (byte[] chunk : chunks) {
      random.nextBytes(chunk);
    }
    ExecutorService workers = Executors.newFixedThreadPool(8);
    try (ChunkStore store = open();
        BackupSession one = store.beginBackup(Set.of(), Compression.LZ4);
        BackupSession other = store.beginBackup(Set.of(), Compression.LZ4)) {
      List<Callable<List<CompletableFuture<StoredChunk>>>> tasks = new ArrayList<>();
      for (int worker = 0; worker < 8; worker++) {
        BackupSession session = worker % 2 == 0 ? one : other;
        tasks.add(() -> putAll(session, chunks));
      }
      int stored = 0;
      for (Future<List<CompletableFuture<StoredChunk>>> task : workers.invokeAll(tasks)) {
        for (CompletableFuture<StoredChunk> put : task.get()) {
          stored += put.join().outcome() == StoredChunk.Outcome.NEW ? 1 : 0;
        }
      }
      assertThat(stored).isEqualTo(chunks.length);
    } finally {
      workers.shutdown();
    }
  }

  @Test
  void listsSnapshotsInTheOrderOfTheirCommitsWhateverTheClockSaid() throws StoreException {
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    try (ChunkStore store = open()) {
      SnapshotRecord ahead = backUp(store, disk, 20);
      SnapshotRecord corrected = backUp(store, disk, 10);
      assertThat(corrected.commit().orElseThrow()).isGreaterThan(ahead.commit().orElseThrow());
      assertThat(store.snapshots()).containsExactly(ahead, corrected);
    }
  }

  @Test
  void leavesNoTraceOfASessionThatWasNotCommitted() throws IOException {
    Random random = Seeds.random("abort");
    DiskImage disk = new DiskImage(10 * CHUNK, CHUNK);
    disk.fill(3, random);
    SnapshotId aborted;
    try (ChunkStore store = open()) {
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        aborted = session.snapshotId();
        assertThat(disk.backUp(session, "vda", NO_PARENT).root()).isNotEqualTo(ChunkId.ZERO);
      }
      assertThat(store.snapshots()).isEmpty();
      assertThatThrownBy(() -> store.open(aborted)).isInstanceOf(NoSuchSnapshotException.class);
      assertThat(read(store, backUp(store, disk, 0).id())).isEqualTo(disk.bytes());
    }
  }

  @Test
  void commitsWhatAnotherSessionPutAndGaveUp() throws IOException {
    Random random = Seeds.random("relied on");
    DiskImage disk = new DiskImage(10 * CHUNK, CHUNK);
    for (int chunk = 0; chunk < 10; chunk++) {
      disk.fill(chunk, random);
    }
    SnapshotRecord committed;
    try (ChunkStore store = open()) {
      try (BackupSession aborted = store.beginBackup(Set.of(), Compression.LZ4)) {
        disk.backUp(aborted, "vda", NO_PARENT);
      }
      committed = backUp(store, disk, 0);
    }
    try (ChunkStore store = open()) {
      assertThat(read(store, committed.id())).isEqualTo(disk.bytes());
    }
  }

  private static List<CompletableFuture<StoredChunk>> putAll(
      BackupSession session, byte[][] chunks) {
    List<CompletableFuture<StoredChunk>> puts = new ArrayList<>();
    for (byte[] chunk : chunks) {
      puts.add(session.put(chunk, 0, chunk.length));
    }
    return puts;
  }
}
