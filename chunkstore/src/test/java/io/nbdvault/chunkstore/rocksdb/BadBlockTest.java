package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A byte of a file of records is wrong on the disk, so that RocksDB's checksum of its block does
 * not match. Two snapshots, of one disk and of that disk with every other chunk changed.
 */
@Timeout(120)
class BadBlockTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 120;

  /** The first disk has it, the second one has not. */
  private static final int SPOILT = 60;

  @TempDir private Path temporary;
  private final Random random = Seeds.random("bad block");
  private DamagedRepository repository;
  private DiskImage disk;
  private DiskImage changed;
  private SnapshotRecord first;
  private SnapshotRecord second;
  private Path file;

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = disk(CHUNKS);
    changed = new DiskImage(CHUNKS * CHUNK, CHUNK);
    changed.set(disk.bytes());
    for (int chunk = 0; chunk < CHUNKS; chunk += 2) {
      changed.fill(chunk, random);
    }
    first = repository.backUp(disk);
    second = repository.backUp(changed);
    file = repository.tables(Family.CHUNK).get(0);
  }

  @Test
  void everythingGoesOnAfterABackupHasHealedWhatLayThere() throws Exception {
    spoil();
    assertThat(verify().flagged()).isOne();
    assertThat(repository.backUp(disk)).isNotNull();
    assertThat(repository.read(first.id())).isEqualTo(disk.bytes());
    assertGoesOn(List.of(first), true);
  }

  @Test
  void everythingGoesOnThoughNothingHasHealedIt() throws Exception {
    spoil();
    assertGoesOn(List.of(), false);
    assertThat(repository.read(second.id())).isEqualTo(changed.bytes());
  }

  @Test
  void aBackupBesideACollectionGoesOn() throws Exception {
    spoil();
    SnapshotRecord third;
    DiskImage other = disk(5);
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(first.id()));
      try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
        var vda = other.backUp(session, "vda", Optional.empty());
        assertThat(collect(store).leftOut()).extracting(DamagedItem::what).contains(name());
        third = session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda));
      }
    }
    assertThat(repository.read(third.id())).isEqualTo(other.bytes());
    assertThat(repository.read(second.id())).isEqualTo(changed.bytes());
  }

  @Test
  void aFileOfWhichNothingIsNeededIsDroppedWhateverIsInIt() throws Exception {
    // Moved down from level 0, where RocksDB drops nothing.
    for (int i = 0; i < 6; i++) {
      repository.backUp(disk(3));
    }
    spoil();
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(first.id(), second.id()));
      CollectReport report = collect(store);
      assertThat(report.leftOut()).isEmpty();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void healsUnderAnotherOrdinalSoThatNothingIsWrittenWhereTheBadBlockLies() throws Exception {
    spoil();
    var key = DamagedRepository.chunkKey(disk, SPOILT);
    IndexRow before = repository.row(key);
    verify();
    repository.backUp(disk);
    IndexRow after = repository.row(key);
    assertThat(after.ordinal()).isGreaterThan(before.ordinal());
    assertThat(after.damaged()).isFalse();
  }

  @Test
  void verifyNamesTheFile() throws Exception {
    spoil();
    assertThat(verify().items()).extracting(DamagedItem::what).containsExactly(name());
    repository.backUp(disk);
    VerifyReport healed = verify();
    assertThat(healed.contentsFound()).isZero();
    assertThat(healed.rangesFound()).isZero();
  }

  @Test
  void aRepairPutsEverythingIntoFilesThatAreWhole() throws Exception {
    spoil();
    verify();
    repository.backUp(disk);
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    assertThat(verify().isClean()).isTrue();
    assertGoesOn(List.of(first), false);
    assertThat(repository.read(second.id())).isEqualTo(changed.bytes());
  }

  @Test
  void aKilledCollectionsDeletesDoNotMakeRocksDbReadABadBlock() throws Exception {
    // What a sweep leaves that is killed before it rewrites a part.
    IndexRow row = repository.row(DamagedRepository.chunkKey(disk, 0));
    repository.delete(Family.CHUNK, OrdinalKey.of(row.ordinal()));
    spoil();
    for (int i = 0; i < 12; i++) {
      repository.backUp(disk(3));
    }
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(first.id()));
      assertThat(collect(store).leftOut()).isNotEmpty();
    }
    DiskImage last = disk(3);
    assertThat(repository.read(repository.backUp(last).id())).isEqualTo(last.bytes());
    assertThat(repository.read(second.id())).isEqualTo(changed.bytes());
  }

  @Test
  void aCollectionPutsInOrderWhatAKilledOneHasLeft() throws Exception {
    IndexRow row = repository.row(DamagedRepository.chunkKey(disk, 0));
    repository.delete(Family.CHUNK, OrdinalKey.of(row.ordinal()));
    assertThat(areApart()).isFalse();
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(first.id()));
      assertThat(collect(store).leftOut()).isEmpty();
    }
    assertThat(areApart()).isTrue();
    assertThat(repository.read(second.id())).isEqualTo(changed.bytes());
  }

  private boolean areApart() throws StoreException {
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      return new ChunkTables(database, repository.databaseDir()).settle();
    }
  }

  @Test
  void aTableThatIsCutShortIsRepairedAndThenHeals() throws Exception {
    byte[] good = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(good, good.length / 2));
    assertThatThrownBy(() -> repository.open()).isInstanceOf(DamagedException.class);
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    assertThat(verify().contentsFound()).isPositive();
    repository.backUp(disk);
    repository.backUp(changed);
    assertThat(repository.read(first.id())).isEqualTo(disk.bytes());
    assertThat(verify().isClean()).isTrue();
    assertGoesOn(List.of(first, second), false);
  }

  @Test
  void aTableThatIsCutShortWhileTheStoreIsOpenIsLeftOut() throws Exception {
    try (ChunkStore store = repository.open()) {
      byte[] good = Files.readAllBytes(file);
      store.forget(Set.of(first.id()));
      Files.write(file, Arrays.copyOf(good, good.length / 2));
      assertThat(collect(store).leftOut()).extracting(DamagedItem::what).containsExactly(name());
      for (int i = 0; i < 12; i++) {
        repository.backUp(store, disk(3));
      }
      assertThat(collect(store).leftOut()).isNotEmpty();
    }
  }

  /** Backups, so many that RocksDB moves files; then one is forgotten, and collected. */
  private void assertGoesOn(List<SnapshotRecord> readable, boolean leavesOut) throws Exception {
    List<SnapshotRecord> kept = new ArrayList<>();
    List<DiskImage> images = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 10; i++) {
        images.add(disk(3));
        kept.add(repository.backUp(images.get(images.size() - 1)));
      }
      try (ChunkStore store = repository.open()) {
        SnapshotRecord gone = kept.remove(0);
        images.remove(0);
        store.forget(Set.of(gone.id()));
        CollectReport report = collect(store);
        assertThat(report.snapshotsReclaimed()).isOne();
        assertThat(!report.leftOut().isEmpty() || !leavesOut).isTrue();
      }
    }
    for (int i = 0; i < kept.size(); i++) {
      assertThat(repository.read(kept.get(i).id())).isEqualTo(images.get(i).bytes());
    }
    for (SnapshotRecord record : readable) {
      byte[] expected = record.id().equals(first.id()) ? disk.bytes() : changed.bytes();
      assertThat(repository.read(record.id())).isEqualTo(expected);
    }
  }

  /** Spoils the block of a chunk of the first backup that the second does not have. */
  private void spoil() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    byte[] plain = Arrays.copyOfRange(disk.bytes(), SPOILT * CHUNK, (SPOILT + 1) * CHUNK);
    int at = indexOf(bytes, Arrays.copyOfRange(plain, CHUNK / 2, CHUNK / 2 + 16));
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int at = 0; at <= bytes.length - part.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    throw new AssertionError("the chunk lies in another file");
  }

  private String name() {
    return "file db/" + file.getFileName() + " of family chunk";
  }

  private DiskImage disk(int chunks) {
    DiskImage image = new DiskImage(chunks * CHUNK, CHUNK);
    for (int chunk = 0; chunk < chunks; chunk++) {
      image.fill(chunk, random);
    }
    return image;
  }

  private VerifyReport verify() throws StoreException {
    try (ChunkStore store = repository.open()) {
      return store.verify(VerifyOptions.everything(2), progress -> true);
    }
  }

  private static CollectReport collect(ChunkStore store) throws StoreException {
    return store.collect(CollectOptions.defaults(), CollectListener.silent());
  }
}
