package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.UnlistedContent;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/** A disk of 300 chunks, and rows of the index that are wrong. */
@Timeout(120)
class DamagedRowTest {
  private static final int CHUNKS = 300;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private DiskImage disk;
  private SnapshotRecord snapshot;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = new DiskImage(CHUNKS * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    var random = Seeds.random("damaged rows");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    snapshot = repository.backUp(disk);
  }

  /** Each of the 256 bits, in the row of another chunk. */
  @Test
  void findsEveryFlippedBitOfARowAndMendsIt() throws Exception {
    List<IndexKey> keys = new ArrayList<>();
    List<IndexRow> good = new ArrayList<>();
    for (int bit = 0; bit < IndexRow.BYTES * Byte.SIZE; bit++) {
      IndexKey key = DamagedRepository.chunkKey(disk, bit);
      keys.add(key);
      good.add(repository.row(key));
    }
    flipOneBitOfEach(keys);
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    try (ChunkStore store = repository.open()) {
      VerifyReport report = verify(store);
      assertThat(idsOf(report)).isEqualTo(idsOf(keys));
      assertThat(report.flagged()).isEqualTo(keys.size());
      assertThat(verify(store).isClean()).isTrue();
      collect(store);
    }
    for (int i = 0; i < keys.size(); i++) {
      IndexRow was = good.get(i);
      IndexRow row = repository.row(keys.get(i));
      assertThat(row).isEqualTo(was.withEpoch(row.epoch()));
      assertThat(row.epoch()).isGreaterThanOrEqualTo(was.epoch());
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void ofWhatIsForgottenEndsACollectionBeforeAnythingIsCondemned() throws Exception {
    IndexKey node = new IndexKey(RecordType.NODE, snapshot.disks().get(0).root());
    disk.fill(0, Seeds.random("another"));
    SnapshotRecord kept = repository.backUp(disk);
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(snapshot.id()));
    }
    flipOneBitOfEach(List.of(node));
    try (ChunkStore store = repository.open()) {
      assertThatThrownBy(() -> collect(store)).isInstanceOf(DamagedException.class);
      store.undelete(snapshot.id());
      assertThat(store.snapshots()).containsExactly(snapshot, kept);
      store.forget(Set.of(snapshot.id()));
      // A verification mends the row, and the next collection goes on.
      verify(store);
      collect(store);
      assertThat(store.catalog()).hasSize(1);
    }
    assertThat(repository.read(kept.id())).isEqualTo(disk.bytes());
  }

  @Test
  void takesAWrongRowForAbsentWhenItsContentIsPutAgain() throws Exception {
    List<IndexKey> keys = new ArrayList<>();
    for (int bit = 0; bit < IndexRow.BYTES * Byte.SIZE; bit++) {
      keys.add(DamagedRepository.chunkKey(disk, bit));
    }
    keys.add(new IndexKey(RecordType.NODE, snapshot.disks().get(0).root()));
    long last = keys.stream().mapToLong(this::ordinal).max().orElseThrow();
    flipOneBitOfEach(keys);
    SnapshotRecord again = repository.backUp(disk);
    assertThat(keys).allSatisfy(key -> assertThat(ordinal(key)).isGreaterThan(last));
    try (ChunkStore store = repository.open()) {
      assertThat(verify(store).isClean()).isTrue();
      collect(store);
      assertThat(verify(store).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    assertThat(repository.read(again.id())).isEqualTo(disk.bytes());
  }

  @Test
  void collectsNothingBesideAWrongRow() throws Exception {
    SnapshotRecord unneeded = repository.backUp(other());
    flipOneBitOfEach(List.of(DamagedRepository.chunkKey(disk, 5)));
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(unneeded.id()));
      assertThatThrownBy(() -> collect(store)).isInstanceOf(DamagedException.class);
      assertThat(verify(store).flagged()).isEqualTo(1);
      collect(store);
      assertThat(verify(store).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void takesAWrongRowAwayIfItsRecordIsNotFound() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 9);
    byte[] row = repository.get(Family.INDEX, key.encode());
    ByteBuffer.wrap(row).putLong(8, 0x5555_5555_5555L);
    repository.put(Family.INDEX, key.encode(), row);
    try (ChunkStore store = repository.open()) {
      assertThat(verify(store).flagged()).isEqualTo(1);
      assertThat(verify(store).flagged()).isZero();
      assertThatThrownBy(() -> collect(store))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("not in it");
    }
    assertThat(repository.dir().resolve("quarantine").resolve(key.id() + ".row"))
        .hasBinaryContent(row);
    repository.backUp(disk);
    try (ChunkStore store = repository.open()) {
      assertThat(verify(store).isClean()).isTrue();
      collect(store);
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void takesNoWrongRowAwayWhileABackupMayRelyOnIt() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 9);
    byte[] row = repository.get(Family.INDEX, key.encode());
    ByteBuffer.wrap(row).putLong(8, 0x5555_5555_5555L);
    repository.put(Family.INDEX, key.encode(), row);
    try (ChunkStore store = repository.open()) {
      try (BackupSession session = store.beginBackup(Set.of(), Compression.NONE)) {
        assertThat(session.snapshotId()).isNotNull();
        store.forget(Set.of(snapshot.id()));
        verify(store);
        assertThat(store.knowsDamage()).isTrue();
        assertThatThrownBy(() -> collect(store))
            .isInstanceOf(DamagedException.class)
            .hasMessageContaining("index row");
      }
      verify(store);
      collect(store);
    }
    assertThat(repository.find(Family.INDEX, key.encode())).isEmpty();
  }

  @Test
  void findsAnEpochAboveTheStoresAndPutsItRight() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 11);
    IndexRow good = repository.row(key);
    repository.put(Family.INDEX, key.encode(), good.withEpoch(good.epoch() + 1000).encode());
    try (ChunkStore store = repository.open()) {
      VerifyReport report = verify(store);
      assertThat(report.contents())
          .singleElement()
          .satisfies(content -> assertThat(content.reason()).contains("epoch"));
      assertThat(report.flagged()).isEqualTo(1);
      assertThat(verify(store).isClean()).isTrue();
    }
    assertThat(repository.row(key).epoch()).isBetween(good.epoch(), good.epoch() + 1);
    assertThat(repository.row(key).damaged()).isFalse();
  }

  @Test
  void repairsThoughARowHasTheLastOfAllEpochsAndOrdinals() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 13);
    for (int offset : new int[] {8, 16}) {
      // A row of version 1 has no checksum.
      byte[] row = new byte[24];
      row[0] = 1;
      ByteBuffer.wrap(row).putInt(4, DamagedRepository.CHUNK).putLong(8, 1).putLong(16, 1);
      ByteBuffer.wrap(row).putLong(offset, Long.MAX_VALUE);
      repository.put(Family.INDEX, key.encode(), row);
      Path manifest =
          repository.files().stream()
              .filter(file -> file.getFileName().toString().startsWith("MANIFEST"))
              .findFirst()
              .orElseThrow();
      Files.write(manifest, new byte[10]);
      Repositories.repair(repository.dir(), (what, done, expected) -> {});
      try (ChunkStore store = repository.open()) {
        verify(store);
      }
      repository.backUp(disk);
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void flagsWhatIsNotListedToo() throws Exception {
    Roaring64Bitmap ordinals = new Roaring64Bitmap();
    List<IndexKey> keys = new ArrayList<>();
    for (int chunk = 20; chunk < 60; chunk++) {
      IndexKey key = DamagedRepository.chunkKey(disk, chunk);
      keys.add(key);
      ordinals.addLong(repository.row(key).ordinal());
    }
    IndexKey whole = DamagedRepository.chunkKey(disk, 70);
    ordinals.addLong(repository.row(whole).ordinal());
    try (Database db = open(DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      for (IndexKey key : keys) {
        IndexRow row = IndexRow.decode(Objects.requireNonNull(db.get(Family.INDEX, key.encode())));
        batch.delete(Family.CHUNK, OrdinalKey.of(row.ordinal()));
      }
      db.write(batch);
      db.flush();
    }
    VerifyReport report =
        new VerifyReport(
            1,
            0,
            0,
            List.of(),
            List.of(),
            keys.size(),
            new UnlistedContent(ordinals),
            List.of(),
            0,
            true,
            0,
            true);
    try (ChunkStore store = repository.open()) {
      assertThat(store.flagDamaged(report)).isEqualTo(keys.size());
      assertThat(store.flagDamaged(report)).isZero();
    }
    assertThat(repository.row(whole).damaged()).isFalse();
    SnapshotRecord again = repository.backUp(disk);
    assertThat(repository.read(again.id())).isEqualTo(disk.bytes());
  }

  @Test
  void countsWhatItDoesNotListOnce() {
    VerifyFindings findings = new VerifyFindings(10);
    for (int round = 0; round < 2; round++) {
      for (int chunk = 0; chunk < 30; chunk++) {
        findings.content(
            DamagedRepository.chunkKey(disk, chunk), OptionalLong.of(chunk + 1), "is gone");
      }
    }
    VerifyReport report = findings.report(1, true, 0, true);
    assertThat(report.contents()).hasSize(10);
    assertThat(report.contentsFound()).isEqualTo(30);
    assertThat(report.unlistedCount()).isEqualTo(20);
    assertThat(report.unlisted().ordinals().getLongCardinality()).isEqualTo(20);
  }

  private long ordinal(IndexKey key) {
    try {
      return repository.row(key).ordinal();
    } catch (StoreException | MalformedRecordException e) {
      throw new AssertionError("row of " + key, e);
    }
  }

  private DiskImage other() {
    DiskImage other = new DiskImage(DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    other.fill(0, Seeds.random("another disk"));
    return other;
  }

  private void flipOneBitOfEach(List<IndexKey> keys) throws StoreException {
    try (Database db = open(DatabaseAccess.READ_WRITE);
        RowBatch batch = db.newBatch()) {
      for (int bit = 0; bit < keys.size(); bit++) {
        byte[] key = keys.get(bit).encode();
        byte[] row = Objects.requireNonNull(db.get(Family.INDEX, key));
        row[bit / 8 % row.length] ^= (byte) (1 << (bit % 8));
        batch.put(Family.INDEX, key, row);
      }
      db.write(batch);
      db.flush();
    }
  }

  private Database open(DatabaseAccess access) throws StoreException {
    return Database.open("test", repository.databaseDir(), access);
  }

  private static VerifyReport verify(ChunkStore store) throws StoreException {
    return store.verify(VerifyOptions.everything(2), progress -> true);
  }

  private static void collect(ChunkStore store) throws StoreException {
    store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  private static Set<String> idsOf(VerifyReport report) {
    Set<String> ids = new HashSet<>();
    for (DamagedContent content : report.contents()) {
      ids.add(content.id().toString());
    }
    return ids;
  }

  private static Set<String> idsOf(List<IndexKey> keys) {
    Set<String> ids = new HashSet<>();
    for (IndexKey key : keys) {
      ids.add(key.id().toString());
    }
    return ids;
  }
}
