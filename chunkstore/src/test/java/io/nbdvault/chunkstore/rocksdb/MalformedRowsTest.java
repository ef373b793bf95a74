package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.ProtectedSnapshotException;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rows that are damaged while the files that they are in are whole: verifying finds them, a repair
 * mends them, and afterwards everything can be done again.
 */
@Timeout(120)
class MalformedRowsTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 10;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private final DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
  private SnapshotRecord snapshot;
  private SnapshotRecord other;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    Random random = Seeds.random("malformed rows");
    DiskImage small = new DiskImage(CHUNK, CHUNK);
    small.fill(0, random);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    snapshot = repository.backUp(disk);
    other = repository.backUp(small);
  }

  @Test
  void countersAreSetAboveAllThatWasGiven() throws Exception {
    for (Counter counter : Counter.values()) {
      byte[] bad = flip(Family.DEFAULT, counter.keyBytes());
      assertThat(verifyReadOnly().items())
          .extracting(DamagedItem::what)
          .anyMatch(what -> what.contains("counter"));
      RepairReport report = mends(RepairStep.MEND_ROWS);
      assertThat(report.lost()).isEmpty();
      assertKeptIn("default", counter.keyBytes(), bad);
      assertWhole();
    }
  }

  @Test
  void aCollectionThatCannotBeReadIsForgotten() throws Exception {
    byte[] bad = {1, 2, 3};
    repository.put(Family.DEFAULT, Collector.key(), bad);
    assertThat(verifyReadOnly().items())
        .extracting(DamagedItem::what)
        .containsExactly("collection");
    assertThatThrownBy(this::collect).isInstanceOf(StoreException.class);
    assertThat(mends(RepairStep.MEND_ROWS).lost()).isEmpty();
    assertKeptIn("default", Collector.key(), bad);
    assertWhole();
  }

  @Test
  void aSnapshotThatCannotBeReadIsTakenOutAndNamed() throws Exception {
    byte[] key = SnapshotFrame.key(snapshot.id());
    byte[] bad = flip(Family.CATALOG, key);
    assertThat(verifyReadOnly().items())
        .extracting(DamagedItem::what)
        .containsExactly("snapshot " + snapshot.id().hex());
    RepairReport report = mends(RepairStep.MEND_ROWS);
    assertThat(report.lost())
        .extracting(DamagedItem::what)
        .containsExactly("snapshot " + snapshot.id().hex());
    assertKeptIn("catalog", key, bad);
    assertThatThrownBy(this::collect).hasMessageContaining(snapshot.id().hex());
    Repositories.acknowledgeLosses(repository.dir());
    collect();
    assertThat(verifyReadOnly().isClean()).isTrue();
    assertThat(repository.read(other.id())).hasSize(CHUNK);
  }

  @Test
  void aSnapshotWhoseStateCannotBeReadIsProtected() throws Exception {
    try (ChunkStore store = repository.open()) {
      store.setProtected(snapshot.id(), true);
    }
    byte[] key = SnapshotStateRow.key(snapshot.id());
    byte[] bad = flip(Family.CATALOG, key);
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    assertForgettingIsRefused();
    assertThat(verifyReadOnly().items()).hasSize(1);
    RepairReport report = mends(RepairStep.MEND_ROWS);
    assertThat(report.protectedAnew()).containsExactly(snapshot.id());
    assertThat(report.lost()).isEmpty();
    assertKeptIn("catalog", key, bad);
    assertForgettingIsRefused();
    assertWhole();
  }

  @Test
  void aStateThatCannotBeReadCanBeDecidedAnew() throws Exception {
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(snapshot.id()));
    }
    flip(Family.CATALOG, SnapshotStateRow.key(snapshot.id()));
    try (ChunkStore store = repository.open()) {
      store.setProtected(snapshot.id(), false);
    }
    assertWhole();
  }

  @Test
  void aRowOfTheIndexIsMadeAgainFromItsRecord() throws Exception {
    byte[] key = DamagedRepository.chunkKey(disk, 3).encode();
    byte[] bad = repository.get(Family.INDEX, key);
    bad[4] ^= (byte) 0x80;
    repository.put(Family.INDEX, key, bad);
    assertThat(verifyReadOnly().isClean()).isFalse();
    assertThat(mends(RepairStep.REBUILD_INDEX).indexRows()).isEqualTo(1);
    assertKeptIn("index", key, bad);
    assertWhole();
  }

  @Test
  void aRowOfTheIndexThatIsMissingIsMadeFromItsRecord() throws Exception {
    repository.delete(Family.INDEX, DamagedRepository.chunkKey(disk, 3).encode());
    assertThat(verifyReadOnly().contentsFound()).isEqualTo(1);
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).flagged()).isOne();
    }
    assertThat(mends(RepairStep.REBUILD_INDEX).indexRows()).isEqualTo(1);
    assertWhole();
  }

  @Test
  void aRecordThatACollectionHasLeftWithoutARowIsNoDamage() throws Exception {
    DiskImage other = new DiskImage(CHUNK, CHUNK);
    other.fill(0, 111);
    SnapshotId unneeded = repository.backUp(other).id();
    byte[] key = DamagedRepository.chunkKey(other, 0).encode();
    byte[] record = repository.record(IndexRow.decode(repository.get(Family.INDEX, key)).ordinal());
    byte[] ordinal = OrdinalKey.of(IndexRow.decode(repository.get(Family.INDEX, key)).ordinal());
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(unneeded));
      store.collect(CollectOptions.defaults(), CollectListener.silent());
    }
    // As it is where there was no room.
    repository.put(Family.CHUNK, ordinal, record);
    RepairPlan plan = Repositories.planRepair(repository.dir(), (what, done, expected) -> {});
    assertThat(plan.damage()).isEmpty();
    assertThat(plan.steps()).isEmpty();
    assertWhole();
  }

  @Test
  void aCopyOfTheConfigurationIsMadeAgain() throws Exception {
    byte[] bad = flip(Family.DEFAULT, StoredConfig.key());
    assertThat(verifyReadOnly().items()).isNotEmpty();
    assertThat(mends(RepairStep.MEND_ROWS).lost()).isEmpty();
    assertKeptIn("default", StoredConfig.key(), bad);
    assertWhole();
  }

  @Test
  void aCopyOfTheKeysIsMadeAgainWithoutAKey() throws Exception {
    KeyFile key = KeyFile.of(new byte[KeyFile.BYTES_MIN]);
    Path dir = temporary.resolve("encrypted");
    Repositories.createEncrypted(dir, new RepositoryOptions(CHUNK, Compression.LZ4), key, "");
    SnapshotId id;
    try (ChunkStore store = Repositories.open(dir, Unlocking.with(key));
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      id = session.snapshotId();
      session.commit(
          TestRecords.snapshot(
              id, TestRecords.TIME, disk.backUp(session, "vda", Optional.empty())));
    }
    byte[] good;
    try (Database db = Database.open("", dir.resolve("db"), DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      good = java.util.Objects.requireNonNull(db.get(Family.DEFAULT, StoredKeys.key()));
      batch.put(Family.DEFAULT, StoredKeys.key(), "{".getBytes(StandardCharsets.UTF_8));
      db.write(batch);
      db.flush();
    }
    assertThat(Repositories.planRepair(dir, (what, done, expected) -> {}).damage())
        .extracting(DamagedItem::what)
        .containsExactly("copy of keys.json");
    Repositories.repair(dir, (what, done, expected) -> {});
    try (Database db = Database.open("", dir.resolve("db"), DatabaseAccess.READ_ONLY)) {
      assertThat(db.get(Family.DEFAULT, StoredKeys.key())).isEqualTo(good);
    }
    Files.delete(dir.resolve("keys.json"));
    try (ChunkStore store = Repositories.open(dir, Unlocking.with(key));
        var reader = store.open(id)) {
      assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(disk.bytes());
    }
  }

  private void assertForgettingIsRefused() throws StoreException {
    try (ChunkStore store = repository.open()) {
      assertThatThrownBy(() -> store.forget(Set.of(snapshot.id())))
          .isInstanceOf(ProtectedSnapshotException.class);
    }
  }

  /** Flips a bit in the middle of a row. Returns what it is then. */
  private byte[] flip(Family family, byte[] key) throws StoreException {
    byte[] row = repository.get(family, key);
    row[row.length / 2] ^= 1;
    repository.put(family, key, row);
    return row;
  }

  private RepairReport mends(RepairStep step) throws StoreException {
    assertThat(Repositories.planRepair(repository.dir(), (what, done, expected) -> {}).steps())
        .contains(step);
    return Repositories.repair(repository.dir(), (what, done, expected) -> {});
  }

  private void assertKeptIn(String family, byte[] key, byte[] row) throws Exception {
    Path newest = null;
    for (int number = 1; ; number++) {
      Path file = repository.dir().resolve("quarantine/rows-" + number);
      if (!Files.exists(file)) {
        break;
      }
      newest = file;
    }
    assertThat(newest).isNotNull();
    HexFormat hex = HexFormat.of();
    assertThat(newest)
        .content()
        .contains(family + " " + hex.formatHex(key) + " " + hex.formatHex(row) + "\n");
  }

  private void assertWhole() throws Exception {
    assertThat(Repositories.planRepair(repository.dir(), (what, done, expected) -> {}).damage())
        .isEmpty();
    collect();
    assertThat(verifyReadOnly().isClean()).isTrue();
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    SnapshotRecord again = repository.backUp(disk);
    assertThat(repository.read(again.id())).isEqualTo(disk.bytes());
  }

  private void collect() throws StoreException {
    try (ChunkStore store = repository.open()) {
      store.collect(CollectOptions.defaults(), CollectListener.silent());
    }
  }

  private VerifyReport verifyReadOnly() throws StoreException {
    try (ChunkStore store = Repositories.openDamaged(repository.dir())) {
      return store.verify(VerifyOptions.everything(1), progress -> true);
    }
  }
}
