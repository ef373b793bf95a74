package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
public abstract class ChunkStoreContract {
  /** Chunk size of the repository under test. */
  protected static final int CHUNK = 64 << 10;

  private static final Optional<DiskRecord> NO_PARENT = Optional.empty();

  /** Opens the repository under test, which is created when it is first asked for. */
  protected abstract ChunkStore open() throws StoreException;

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
  void listsSnapshotsOldestFirst() throws StoreException {
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    try (ChunkStore store = open()) {
      SnapshotRecord late = backUp(store, disk, 20);
      SnapshotRecord early = backUp(store, disk, 10);
      assertThat(store.snapshots()).containsExactly(early, late);
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

  @Test
  void refusesRecordsAndDisksThatAreNotTheSessions() throws StoreException {
    DiskImage disk = new DiskImage(10 * CHUNK, CHUNK);
    disk.fill(1, 1);
    try (ChunkStore store = open()) {
      SnapshotRecord first = backUp(store, disk, 0);
      Optional<DiskRecord> vda = first.disk("vda");
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        assertRefused(() -> session.newDisk(10 * CHUNK, vda));
        assertRefused(() -> session.commit(TestRecords.snapshot(first.id(), TestRecords.TIME)));
        DiskRecord foreign = vda.orElseThrow();
        assertRefused(() -> commit(session, 0, foreign));
        assertRefused(() -> session.put(new byte[CHUNK + 1], 0, CHUNK + 1));
        assertRefused(() -> session.put(new byte[CHUNK], 0, 0));
        assertRefused(() -> session.newDisk(-1, NO_PARENT));
      }
      try (BackupSession session = store.beginBackup(Set.of(first.id()), Compression.LZ4)) {
        assertRefused(() -> session.newDisk(11 * CHUNK, vda));
        assertThat(session.newDisk(10 * CHUNK, vda).finish().root())
            .isEqualTo(vda.orElseThrow().root());
      }
      SnapshotId unknown = SnapshotId.random();
      assertThatThrownBy(() -> store.beginBackup(Set.of(unknown), Compression.LZ4))
          .isInstanceOf(NoSuchSnapshotException.class)
          .hasMessageContaining(unknown.hex());
    }
  }

  @Test
  void refusesEverythingAfterTheEnd() throws IOException {
    DiskImage disk = new DiskImage(10 * CHUNK, CHUNK);
    disk.fill(1, 1);
    ChunkStore store = open();
    SnapshotRecord first = backUp(store, disk, 0);
    BackupSession session = store.beginBackup(Set.of(), Compression.LZ4);
    DiskTreeBuilder tree = session.newDisk(10 * CHUNK, NO_PARENT);
    SnapshotReader reader = store.open(first.id());
    DiskReader vda = reader.disk("vda");
    assertRefused(() -> reader.disk("vdb"));
    store.close();
    store.close();
    assertEnded(() -> session.put(disk.bytes(), CHUNK, CHUNK));
    assertEnded(() -> commit(session, 1));
    assertEnded(
        () -> {
          tree.append(0, new ChunkId(1, 1, 1, 1));
          tree.finish();
        });
    assertEnded(() -> vda.forEachChunk(0, 10, (index, id, length) -> true));
    assertEnded(store::snapshots);
    assertEnded(() -> store.open(first.id()));
    assertEnded(() -> store.beginBackup(Set.of(), Compression.LZ4));
    session.close();
    reader.close();
  }

  @Test
  void commitsOnlyOnce() throws StoreException {
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      commit(session, 0);
      assertEnded(() -> commit(session, 0));
    }
  }

  @Test
  void failsTheFutureOfAnInterruptedPutAndThenTheCommit() throws StoreException {
    byte[] chunk = new byte[CHUNK];
    Arrays.fill(chunk, (byte) 9);
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      Thread.currentThread().interrupt();
      CompletableFuture<StoredChunk> put = session.put(chunk, 0, CHUNK);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(put).failsWithin(Duration.ZERO);
      assertThatThrownBy(() -> commit(session, 0)).isInstanceOf(StoreFailedException.class);
      try (BackupSession next = store.beginBackup(Set.of(), Compression.LZ4)) {
        assertThat(next.put(chunk, 0, CHUNK).join().outcome()).isEqualTo(StoredChunk.Outcome.NEW);
        commit(next, 0);
      }
    }
  }

  @Test
  void refusesCallsFromItsOwnThreadWhichWouldWaitForItself() throws StoreException {
    Random random = Seeds.random("re-entry");
    try (ChunkStore store = open();
        BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
      boolean refused = false;
      // Who completes first decides on which thread a dependent runs; one of many is soon late.
      for (int attempt = 0; attempt < 1000 && !refused; attempt++) {
        byte[] chunk = new byte[CHUNK];
        random.nextBytes(chunk);
        CompletableFuture<StoredChunk> nested =
            session.put(chunk, 0, CHUNK).thenCompose(stored -> session.put(chunk, 1, CHUNK - 1));
        Throwable failure = nested.handle((stored, thrown) -> thrown).join();
        if (failure != null) {
          assertThat(failure).hasRootCauseInstanceOf(IllegalStateException.class);
          refused = true;
        }
      }
      assertThat(refused).isTrue();
    }
  }

  @Test
  void checksTheDestinationOfARead() throws IOException {
    DiskImage disk = new DiskImage(CHUNK, CHUNK);
    disk.fill(0, 1);
    try (ChunkStore store = open();
        SnapshotReader reader = store.open(backUp(store, disk, 0).id())) {
      DiskReader vda = reader.disk("vda");
      assertRefused(() -> vda.read(ChunkId.ZERO, new byte[CHUNK], 0));
      assertThatThrownBy(() -> vda.read(new ChunkId(1, 2, 3, 4), new byte[CHUNK], 0))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("missing");
      vda.forEachChunk(
          0,
          1,
          (index, id, length) -> {
            assertRefused(() -> vda.read(id, new byte[CHUNK], 1));
            return true;
          });
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

  /** Backs up a disk called {@code vda}, so many seconds after a time that is always the same. */
  protected static SnapshotRecord backUp(ChunkStore store, DiskImage disk, int seconds)
      throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      return commit(session, seconds, disk.backUp(session, "vda", NO_PARENT));
    }
  }

  /** Commits a session with these disks. */
  protected static SnapshotRecord commit(BackupSession session, int seconds, DiskRecord... disks)
      throws StoreException {
    return session.commit(
        TestRecords.snapshot(session.snapshotId(), TestRecords.TIME.plusSeconds(seconds), disks));
  }

  /** Reads the disk {@code vda} of a snapshot. */
  protected static byte[] read(ChunkStore store, SnapshotId id) throws IOException {
    try (SnapshotReader reader = store.open(id)) {
      return DiskImage.readAll(reader.disk("vda"));
    }
  }

  private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
  }

  private static void assertEnded(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalStateException.class);
  }
}
