package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is listed as damaged although it is not, and is taken off the list by collections. */
@Timeout(60)
class LeftOverDamageTest {
  private static final int CHUNK = DamagedRepository.CHUNK;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private final DiskImage kept = disk(0);
  private final DiskImage other = disk(100);
  private SnapshotRecord forgotten;

  private static DiskImage disk(int seed) {
    DiskImage disk = new DiskImage(8 * CHUNK, CHUNK);
    for (int i = 0; i < 8; i++) {
      disk.fill(i, seed + i + 1);
    }
    return disk;
  }

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    repository.backUp(kept);
    forgotten = repository.backUp(other);
  }

  private static void verify(ChunkStore store) throws StoreException {
    store.verify(VerifyOptions.everything(1), progress -> true);
  }

  private static void collect(ChunkStore store) throws StoreException {
    store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  @Test
  void contentWithoutARowThatNothingNeedsAnyMoreIsTakenOff() throws Exception {
    repository.delete(Family.INDEX, DamagedRepository.chunkKey(other, 3).encode());
    try (ChunkStore store = repository.open()) {
      verify(store);
      assertThat(store.knowsDamage()).isTrue();
      store.forget(Set.of(forgotten.id()));
      collect(store);
      assertThat(store.knowsDamage()).isFalse();
    }
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isFalse();
    }
  }

  @Test
  void contentThatIsWholeIsTakenOff() throws Exception {
    list(DamagedRepository.chunkKey(kept, 3));
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isTrue();
      collect(store);
      assertThat(store.knowsDamage()).isFalse();
    }
  }

  @Test
  void contentWhoseRecordIsDamagedStaysListedThoughItsRowDoesNotSaySo() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(kept, 3);
    repository.flipBit(key);
    list(key);
    try (ChunkStore store = repository.open()) {
      collect(store);
      assertThat(store.knowsDamage()).isTrue();
    }
  }

  @Test
  void whatIsFlaggedStaysListed() throws Exception {
    repository.flipBit(DamagedRepository.chunkKey(kept, 3));
    try (ChunkStore store = repository.open()) {
      verify(store);
      collect(store);
      assertThat(store.knowsDamage()).isTrue();
    }
  }

  @Test
  void nothingIsTakenOffWhereTheMarkFails() throws Exception {
    repository.delete(Family.INDEX, DamagedRepository.chunkKey(kept, 3).encode());
    try (ChunkStore store = repository.open()) {
      verify(store);
      assertThatThrownBy(() -> collect(store)).isInstanceOf(DamagedException.class);
      assertThat(store.knowsDamage()).isTrue();
    }
  }

  @Test
  void whatIsFoundDamagedDuringTheMarkStaysListed() throws Exception {
    IndexKey again = DamagedRepository.chunkKey(kept, 3);
    IndexKey never = DamagedRepository.chunkKey(disk(200), 3);
    list(again);
    list(never);
    repository.delete(Family.INDEX, again.encode());
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      DamagedRows rows = DamagedRows.read(db);
      ContentReader reader = new ContentReader(db, new PlainContent(), CHUNK);
      LeftOverDamage leftOver = new LeftOverDamage(db, reader, rows, WriteTask.Step.Action::run);
      leftOver.note();
      try (RowBatch batch = db.newBatch()) {
        rows.add(batch, again);
        db.write(batch);
      }
      leftOver.takeAway();
      assertThat(rows.contains(again)).isTrue();
      assertThat(rows.contains(never)).isFalse();
      List<IndexKey> stored = new ArrayList<>();
      DamagedRows.forEach(db, stored::add);
      assertThat(stored).containsExactly(again);
    }
  }

  @Test
  void looksUpNoMoreAtATimeThanABatchOfTheWriterHas() throws Exception {
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      DamagedRows rows = DamagedRows.read(db);
      int listed = 2 * StoreLimits.BATCH_RECORDS + 1;
      for (int i = 0; i < listed; i++) {
        rows.add(batch, new IndexKey(RecordType.CHUNK, new ChunkId(i + 1, 0, 0, 0)));
      }
      db.write(batch);
      ContentReader reader = new ContentReader(db, new PlainContent(), CHUNK);
      LeftOverDamage.Steps steps =
          action -> {
            int before = rows.doubtful().size();
            action.run();
            int noted = rows.doubtful().size() - before;
            assertThat(noted).isLessThanOrEqualTo(StoreLimits.BATCH_RECORDS);
          };
      new LeftOverDamage(db, reader, rows, steps).note();
      assertThat(rows.doubtful()).hasSize(listed);
    }
  }

  /** Lists content as damaged, as a repair may leave it. */
  private void list(IndexKey key) throws StoreException {
    byte[] prefix = "damaged/".getBytes(StandardCharsets.US_ASCII);
    byte[] row = new byte[prefix.length + IndexKey.BYTES];
    System.arraycopy(prefix, 0, row, 0, prefix.length);
    System.arraycopy(key.encode(), 0, row, prefix.length, IndexKey.BYTES);
    repository.put(Family.DEFAULT, row, new byte[] {1});
  }
}
