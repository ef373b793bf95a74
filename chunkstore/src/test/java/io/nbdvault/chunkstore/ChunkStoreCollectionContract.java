package io.nbdvault.chunkstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Forgetting, bringing back and reclaiming, of every implementation. */
@Timeout(120)
public abstract class ChunkStoreCollectionContract extends ChunkStoreFixture {
  private static final int CHUNKS = 400;
  private static final CollectOptions DRY = new CollectOptions(true, OptionalLong.empty());

  private final Random random = Seeds.random("collection");

  private DiskImage randomDisk() {
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    return disk;
  }

  private static CollectReport collect(ChunkStore store) throws StoreException {
    return store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  private static List<SnapshotId> ids(List<SnapshotRecord> records) {
    return records.stream().map(SnapshotRecord::id).toList();
  }

  @Test
  void reclaimsWhatOnlyAForgottenSnapshotHeld() throws IOException {
    try (ChunkStore store = open()) {
      DiskImage first = randomDisk();
      SnapshotRecord forgotten = backUp(store, first, 0);
      DiskImage second = randomDisk();
      SnapshotRecord kept = backUp(store, second, 1);
      store.forget(Set.of(forgotten.id()));
      CollectReport dry = store.collect(DRY, CollectListener.silent());
      CollectReport report = collect(store);
      assertThat(dry.unreachableBytes()).isEqualTo(report.unreachableBytes());
      assertThat(dry.recordsUnreachable()).isEqualTo(report.recordsUnreachable());
      assertThat(dry.freedBytes()).isZero();
      assertThat(report.snapshotsReclaimed()).isEqualTo(1);
      assertThat(report.chunksLive()).isEqualTo(CHUNKS);
      assertThat(report.recordsUnreachable()).isEqualTo(CHUNKS + 5);
      assertThat(report.freedBytes()).isGreaterThan((long) CHUNKS * CHUNK);
      assertThat(report.returnedBytes()).isGreaterThan((long) CHUNKS * CHUNK * 9 / 10);
      assertThat(store.catalog()).extracting(CatalogEntry::record).containsExactly(kept);
      assertThat(read(store, kept.id())).isEqualTo(second.bytes());
      assertThatThrownBy(() -> store.undelete(forgotten.id()))
          .isInstanceOf(NoSuchSnapshotException.class);
    }
  }

  @Test
  void bringsAForgottenSnapshotBackUntilItIsReclaimed() throws IOException {
    try (ChunkStore store = open()) {
      DiskImage disk = randomDisk();
      SnapshotRecord record = backUp(store, disk, 0);
      store.forget(Set.of(record.id()));
      assertThat(store.snapshots()).isEmpty();
      assertThat(store.snapshot(record.id())).isEmpty();
      assertThat(store.catalog()).hasSize(1);
      assertThatThrownBy(() -> store.open(record.id())).isInstanceOf(NoSuchSnapshotException.class);
    }
    try (ChunkStore store = open()) {
      SnapshotId id = store.catalog().get(0).record().id();
      store.collect(DRY, CollectListener.silent());
      store.undelete(id);
      assertThat(ids(store.snapshots())).containsExactly(id);
      CollectReport report = collect(store);
      assertThat(report.recordsUnreachable()).isZero();
      assertThat(read(store, id)).hasSize(CHUNKS * CHUNK);
      store.forget(Set.of(id));
      collect(store);
      assertThat(store.catalog()).isEmpty();
    }
  }

  @Test
  void forgetsNoneIfOneIsProtectedOrNotThere() throws IOException {
    try (ChunkStore store = open()) {
      SnapshotId first = backUp(store, randomDisk(), 0).id();
      SnapshotId second = backUp(store, randomDisk(), 1).id();
      store.setProtected(second, true);
      assertThatThrownBy(() -> store.forget(Set.of(first, second)))
          .isInstanceOf(ProtectedSnapshotException.class);
      assertThatThrownBy(() -> store.forget(Set.of(first, SnapshotId.random())))
          .isInstanceOf(NoSuchSnapshotException.class);
      assertThat(ids(store.snapshots())).containsExactly(first, second);
      store.setProtected(second, false);
      store.forget(Set.of(first, second));
      assertThat(store.snapshots()).isEmpty();
    }
  }

  @Test
  void keepsWhatAReaderHasOpenUntilItIsClosed() throws IOException {
    try (ChunkStore store = open()) {
      DiskImage disk = randomDisk();
      SnapshotRecord record = backUp(store, disk, 0);
      try (SnapshotReader reader = store.open(record.id())) {
        store.forget(Set.of(record.id()));
        assertThat(collect(store).recordsUnreachable()).isZero();
        assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(disk.bytes());
      }
      assertThat(collect(store).snapshotsReclaimed()).isEqualTo(1);
      assertThat(store.catalog()).isEmpty();
    }
  }

  @Test
  void keepsWhatARunningSessionHasPutAndItsParent() throws IOException {
    try (ChunkStore store = open()) {
      DiskImage disk = randomDisk();
      SnapshotRecord parent = backUp(store, disk, 0);
      try (BackupSession session = store.beginBackup(Set.of(parent.id()), Compression.LZ4)) {
        DiskTreeBuilder tree = session.newDisk(CHUNKS * CHUNK, parent.disk("vda"));
        DiskImage changed = new DiskImage(CHUNK, CHUNK);
        changed.fill(0, random);
        tree.append(3, session.put(changed.bytes(), 0, CHUNK).join().id());
        store.forget(Set.of(parent.id()));
        collect(store);
        ChunkId root = tree.finish().root();
        collect(store);
        SnapshotRecord record = commit(session, 1, TestRecords.disk("vda", CHUNKS * CHUNK, root));
        byte[] expected = disk.bytes();
        System.arraycopy(changed.bytes(), 0, expected, 3 * CHUNK, CHUNK);
        assertThat(read(store, record.id())).isEqualTo(expected);
      }
      collect(store);
      SnapshotRecord left = store.snapshots().get(0);
      assertThat(store.catalog()).hasSize(1);
      assertThat(read(store, left.id())).hasSize(CHUNKS * CHUNK);
    }
  }

  @Test
  void keepsWhatASessionFoundInAForgottenSnapshot() throws IOException {
    try (ChunkStore store = open()) {
      DiskImage disk = randomDisk();
      SnapshotRecord forgotten = backUp(store, disk, 0);
      store.forget(Set.of(forgotten.id()));
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        DiskRecord again = disk.backUp(session, "vda", NO_PARENT);
        assertThat(collect(store).recordsUnreachable()).isZero();
        SnapshotRecord record = commit(session, 1, again);
        collect(store);
        assertThat(read(store, record.id())).isEqualTo(disk.bytes());
      }
      assertThat(store.catalog()).hasSize(1);
    }
  }

  @Test
  void reclaimsWhatASessionLeftThatWasNotCommitted() throws IOException {
    try (ChunkStore store = open()) {
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        randomDisk().backUp(session, "vda", NO_PARENT);
      }
      CollectReport report = collect(store);
      assertThat(report.recordsUnreachable()).isEqualTo(CHUNKS + 5);
      assertThat(report.recordsFreed()).isEqualTo(CHUNKS + 5);
    }
  }
}
