package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.IndexKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What backups may rely on once a repair has ended, even if nothing was verified after it. */
@Timeout(60)
class DamageAfterRepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private int seed;

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
  }

  private DiskImage disk(int chunks) {
    DiskImage disk = new DiskImage(chunks * CHUNK, CHUNK);
    for (int i = 0; i < chunks; i++) {
      disk.fill(i, ++seed);
    }
    return disk;
  }

  private RepairReport repair() throws StoreException {
    return Repositories.repair(repository.dir(), (what, done, expected) -> {});
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void damageABlockOfRecords() throws Exception {
    Path table =
        repository.tables(Family.CHUNK).stream()
            .max(Comparator.comparingLong(DamageAfterRepairTest::size))
            .orElseThrow();
    byte[] bytes = Files.readAllBytes(table);
    bytes[bytes.length / 2] ^= 1;
    Files.write(table, bytes);
  }

  @Test
  void recordsThatARepairFoundLostAreKnownWithoutAVerification() throws Exception {
    SnapshotRecord snapshot = repository.backUp(disk(60));
    damageABlockOfRecords();
    assertThat(repair().flagged()).isPositive();
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isTrue();
      assertThat(store.findDamage(snapshot.id(), "vda")).isNotEmpty();
    }
  }

  /** The record's checksum is right: whoever makes a row of it sees nothing. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAVerificationFoundIsKnownThoughItsRowIsMadeAnew(boolean all) throws Exception {
    DiskImage disk = disk(200);
    SnapshotRecord first = repository.backUp(disk);
    List<Path> before = repository.tables(Family.INDEX);
    repository.changeUnderItsChecksum(DamagedRepository.chunkKey(disk, 77));
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).flagged()).isOne();
    }
    // Without the newer tables the row shows again as it was before.
    List<Path> lost = new ArrayList<>(repository.tables(Family.INDEX));
    if (!all) {
      lost.removeAll(before);
    }
    assertThat(lost).isNotEmpty();
    for (Path table : lost) {
      Files.delete(table);
    }

    repair();

    try (ChunkStore store = repository.open()) {
      assertThat(store.findDamage(first.id(), "vda")).hasSize(1);
    }
    SnapshotRecord second = repository.backUp(disk);
    assertThat(repository.read(second.id())).isEqualTo(disk.bytes());
    assertThat(repository.read(first.id())).isEqualTo(disk.bytes());
  }

  @Test
  void verifyingListsAgainWhatIsFlaggedAndNotListed() throws Exception {
    SnapshotRecord snapshot = repository.backUp(disk(60));
    damageABlockOfRecords();
    repair();
    List<byte[]> listed = new ArrayList<>();
    try (Database database =
        Database.open("", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      database.forEachReadable(
          Family.DEFAULT,
          (key, value) -> {
            if (new String(key, StandardCharsets.ISO_8859_1).startsWith("damaged/")) {
              listed.add(key);
            }
          });
    }
    assertThat(listed).isNotEmpty();
    for (byte[] key : listed) {
      repository.delete(Family.DEFAULT, key);
    }
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isFalse();
      store.verify(VerifyOptions.everything(1), progress -> true);
      assertThat(store.knowsDamage()).isTrue();
      assertThat(store.findDamage(snapshot.id(), "vda")).isNotEmpty();
    }
  }

  @Test
  void rowsThatALostTableOfTheIndexBringsBackAreNotTakenForStored() throws Exception {
    SnapshotRecord kept = repository.backUp(disk(400));
    DiskImage collected = disk(8);
    SnapshotId forgotten = repository.backUp(collected).id();
    List<Path> before = repository.tables(Family.INDEX);
    try (ChunkStore store = repository.open()) {
      store.forget(Set.of(forgotten));
      store.collect(CollectOptions.defaults(), CollectListener.silent());
    }
    List<Path> newer = new ArrayList<>(repository.tables(Family.INDEX));
    newer.removeAll(before);
    assertThat(newer).isNotEmpty();
    for (Path table : newer) {
      Files.delete(table);
    }
    repair();

    SnapshotRecord again = repository.backUp(collected);

    assertThat(repository.read(again.id())).isEqualTo(collected.bytes());
    assertThat(repository.read(kept.id())).isNotEmpty();
  }

  /** Twice: with the row that leads to the first record, and with none. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void contentThatWasHealedLeadsToItsLastRecordAlsoAfterTheIndexWasLost(boolean allOfIt)
      throws Exception {
    DiskImage disk = disk(8);
    SnapshotRecord snapshot = repository.backUp(disk);
    IndexKey key = DamagedRepository.chunkKey(disk, 3);
    repository.changeUnderItsChecksum(key);
    List<Path> lost = new ArrayList<>();
    try (ChunkStore store = repository.open()) {
      store.verify(VerifyOptions.everything(1), progress -> true);
      List<Path> before = repository.tables(Family.INDEX);
      repository.backUp(store, disk);
      lost.addAll(repository.tables(Family.INDEX));
      if (!allOfIt) {
        lost.removeAll(before);
      }
    }
    long healed = repository.row(key).ordinal();
    assertThat(lost).isNotEmpty();
    for (Path table : lost) {
      Files.delete(table);
    }

    repair();

    assertThat(repository.row(key).ordinal()).isEqualTo(healed);
    try (ChunkStore store = repository.open()) {
      store.collect(CollectOptions.defaults(), CollectListener.silent());
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  @Test
  void rowsThatAreFlaggedAreListedAgainWhereTheListIsLost() throws Exception {
    DiskImage disk = disk(8);
    SnapshotRecord snapshot = repository.backUp(disk);
    repository.flipBit(DamagedRepository.chunkKey(disk, 3));
    try (ChunkStore store = repository.open()) {
      store.verify(VerifyOptions.everything(1), progress -> true);
    }
    for (Path table : repository.tables(Family.DEFAULT)) {
      DamagedRepository.flipByte(table, 10);
    }

    RepairReport report = repair();

    assertThat(report.plan().damage())
        .extracting(DamagedItem::what)
        .containsOnlyOnce(
            "counter epoch, counter next-ordinal, counter commits, copy of config.json");
    try (ChunkStore store = repository.open()) {
      assertThat(store.knowsDamage()).isTrue();
      assertThat(store.findDamage(snapshot.id(), "vda")).hasSize(1);
    }
  }

  /** A disk that begins to fail once the damaged file was told from those that are whole. */
  @ParameterizedTest
  @CsvSource({"flagging what is lost, CHUNK", "making the index, CHUNK", "reading , INDEX"})
  void aRepairThatCannotReadAllThatWasWholeFailsAndChangesNothing(String when, Family family)
      throws Exception {
    SnapshotRecord snapshot = repository.backUp(disk(60));
    DiskImage later = disk(60);
    repository.backUp(later);
    List<Path> tables = repository.tables(Family.INDEX);
    Path bad = tables.get(tables.size() - 1);
    DamagedRepository.flipByte(bad, 10);
    List<Path> whole = new ArrayList<>(repository.tables(family));
    whole.remove(bad);
    boolean[] failing = new boolean[1];
    RepairListener breaksTheDisk =
        (what, done, expected) -> {
          if (what.startsWith(when) && !failing[0]) {
            failing[0] = true;
            flipAll(whole);
          }
        };

    assertThatThrownBy(() -> Repositories.repair(repository.dir(), breaksTheDisk))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("The disk gave an error during the repair")
        .hasMessageContaining("The database was left as it was");

    assertThat(failing[0]).isTrue();
    flipAll(whole);
    DamagedRepository.flipByte(bad, 10);
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isNotEmpty();
    assertThat(repository.dir().resolve("db.repairing")).doesNotExist();
  }

  private static void flipAll(List<Path> tables) {
    try {
      for (Path table : tables) {
        DamagedRepository.flipByte(table, (int) Files.size(table) / 4);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aDatabaseThatAKilledRepairLeftNeverReplacesANewerOne() throws Exception {
    repository.backUp(disk(20));
    Path left = Files.createDirectory(repository.dir().resolve("db.repaired"));
    for (Path file : repository.files()) {
      Files.copy(file, left.resolve(file.getFileName()));
    }
    repository.backUp(disk(10));
    repository.backUp(disk(10));
    Files.delete(repository.databaseDir().resolve("CURRENT"));

    repair();

    try (ChunkStore store = repository.open()) {
      assertThat(store.snapshots()).hasSize(3);
    }
    assertThat(left).doesNotExist();
    assertThat(repository.dir().resolve("quarantine")).isNotEmptyDirectory();
  }
}
