package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What killed processes leave in the database, made by hand. */
@Timeout(60)
class LeftOverTest {
  private static final int CHUNK = 16 << 10;
  private static final int CHUNKS = 100;

  @TempDir private Path temporary;
  private Path dir = Path.of("");

  @BeforeEach
  void makeRepository() throws StoreException {
    dir = temporary.resolve("repository");
    Repositories.create(dir, new RepositoryOptions(CHUNK, Compression.LZ4));
    Random random = Seeds.random("left over");
    for (int i = 0; i < 3; i++) {
      DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
      for (int chunk = 0; chunk < CHUNKS; chunk++) {
        disk.fill(chunk, random);
      }
      backUp(disk);
    }
  }

  @Test
  void reclaimsRecordsThatHaveNoRow() throws StoreException {
    forgetAllButOne();
    List<Long> orphans = removeRowsThatNothingReaches(false);
    collect();
    Inspection left = Inspection.of(dir, CHUNK);
    assertThat(left.records().keySet()).doesNotContainAnyElementsOf(orphans);
    assertThat(left.fileBytes()).isLessThan(left.reachableBytes() * 11 / 10);
  }

  @Test
  void givesBackTheSpaceOfRecordsThatWereDeletedAndNotRewritten() throws StoreException {
    forgetAllButOne();
    removeRowsThatNothingReaches(true);
    collect();
    Inspection left = Inspection.of(dir, CHUNK);
    assertThat(left.fileBytes()).isLessThan(left.reachableBytes() * 11 / 10);
  }

  @Test
  void rewritesNothingWhereNothingIsToBeReclaimed() throws StoreException {
    forgetAllButOne();
    collect();
    assertThat(collect().rewrittenBytes()).isZero();
  }

  private void forgetAllButOne() throws StoreException {
    try (ChunkStore store = Repositories.open(dir)) {
      SnapshotId kept = store.snapshots().get(1).id();
      store.snapshots().stream()
          .map(record -> record.id())
          .filter(id -> !id.equals(kept))
          .forEach(id -> forget(store, id));
    }
  }

  private static void forget(ChunkStore store, SnapshotId id) {
    try {
      store.forget(Set.of(id));
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }

  /** The rows, and perhaps the records; returns the ordinals. */
  private List<Long> removeRowsThatNothingReaches(boolean recordsToo) throws StoreException {
    Inspection before = Inspection.of(dir, CHUNK);
    List<Long> removed = new ArrayList<>();
    try (Database database = Database.open("test", dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = database.newBatch()) {
      for (IndexKey key : before.unreachableRows()) {
        long ordinal = before.rows().getOrDefault(key, 0L);
        batch.delete(Family.INDEX, key.encode());
        if (recordsToo) {
          batch.delete(Family.CHUNK, OrdinalKey.of(ordinal));
        }
        removed.add(ordinal);
      }
      database.write(batch);
      database.flush();
    }
    assertThat(removed).hasSizeGreaterThan(CHUNKS / 2);
    return removed;
  }

  private CollectReport collect() throws StoreException {
    try (ChunkStore store = Repositories.open(dir)) {
      return store.collect(CollectOptions.defaults(), CollectListener.silent());
    }
  }

  private void backUp(DiskImage disk) throws StoreException {
    try (ChunkStore store = Repositories.open(dir);
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      DiskRecord vda = disk.backUp(session, "vda", Optional.empty());
      session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
    }
  }
}
