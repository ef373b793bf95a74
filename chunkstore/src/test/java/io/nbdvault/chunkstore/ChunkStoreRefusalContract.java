package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every implementation of {@link ChunkStore} must refuse. */
@Timeout(60)
public abstract class ChunkStoreRefusalContract extends ChunkStoreFixture {
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

  private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
  }

  private static void assertEnded(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalStateException.class);
  }
}
