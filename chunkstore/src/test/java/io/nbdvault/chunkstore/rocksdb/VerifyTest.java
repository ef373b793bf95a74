package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyPhase;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two snapshots of one disk of 300 chunks that differ in one. */
@Tag("long")
@Timeout(60)
class VerifyTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 300;
  private static final int LAST = CHUNKS - 1;
  private static final int LAST_BYTES = 1000;
  private static final int CHANGED = 7;

  @TempDir private Path temporary;
  private DamagedRepository repository;
  private DiskImage disk;
  private SnapshotRecord first;
  private SnapshotRecord second;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = new DiskImage(LAST * CHUNK + LAST_BYTES, CHUNK);
    Random random = Seeds.random("verify");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    first = repository.backUp(disk);
    disk.fill(CHANGED, random);
    second = repository.backUp(disk);
  }

  @Test
  void findsNothingInAWholeRepository() throws StoreException {
    VerifyReport report = verify(everything());
    assertThat(report.isClean()).isTrue();
    assertThat(report.complete()).isTrue();
    assertThat(report.snapshots()).isEqualTo(2);
    // 301 chunks, 3 leaves and a root, one leaf and one root more for what changed.
    assertThat(report.records()).isEqualTo(301 + 4 + 2);
    assertThat(report.readBytes()).isGreaterThan(300L * CHUNK);
  }

  @Test
  void namesTheRangesOfTheDisksThatNeedADamagedChunk() throws Exception {
    repository.flipBit(DamagedRepository.chunkKey(disk, 20));
    repository.flipBit(DamagedRepository.chunkKey(disk, 21));
    repository.flipBit(DamagedRepository.chunkKey(disk, CHANGED));
    repository.flipBit(DamagedRepository.chunkKey(disk, LAST));
    VerifyReport report = verify(everything());
    assertThat(report.contents())
        .extracting(DamagedContent::id)
        .containsExactlyInAnyOrder(
            DamagedRepository.chunkKey(disk, 20).id(),
            DamagedRepository.chunkKey(disk, 21).id(),
            DamagedRepository.chunkKey(disk, CHANGED).id(),
            DamagedRepository.chunkKey(disk, LAST).id());
    assertThat(report.ranges())
        .containsExactlyInAnyOrder(
            range(first.id(), 20, 2 * CHUNK),
            range(first.id(), LAST, LAST_BYTES),
            range(second.id(), CHANGED, CHUNK),
            range(second.id(), 20, 2 * CHUNK),
            range(second.id(), LAST, LAST_BYTES));
    assertThat(report.located()).isTrue();
  }

  @Test
  void looksOnlyAtTheSnapshotsThatWereChosen() throws Exception {
    repository.flipBit(DamagedRepository.chunkKey(disk, CHANGED));
    assertThat(verify(only(first.id())).isClean()).isTrue();
    assertThat(verify(only(second.id())).ranges())
        .containsExactly(range(second.id(), CHANGED, CHUNK));
  }

  @Test
  void refusesASnapshotThatIsNotThere() {
    assertThatThrownBy(() -> verify(only(new SnapshotId("0".repeat(32)))))
        .isInstanceOf(NoSuchSnapshotException.class);
  }

  @Test
  void namesADamagedNodeAsTheWholeRangeThatItStandsFor() throws Exception {
    repository.flipBit(new IndexKey(RecordType.NODE, second.disks().get(0).root()));
    VerifyReport report = verify(everything());
    assertThat(report.contents()).singleElement().matches(DamagedContent::isNode);
    assertThat(report.ranges()).containsExactly(range(second.id(), 0, LAST * CHUNK + LAST_BYTES));
  }

  @Test
  void noticesAMissingRecordAndAMissingRow() throws Exception {
    IndexKey recordGone = DamagedRepository.chunkKey(disk, 30);
    IndexKey rowGone = DamagedRepository.chunkKey(disk, 40);
    repository.delete(Family.CHUNK, OrdinalKey.of(repository.row(recordGone).ordinal()));
    repository.delete(Family.INDEX, rowGone.encode());
    for (VerifyOptions options : List.of(everything(), only(second.id()), checksums())) {
      VerifyReport report = verify(options);
      assertThat(report.contents())
          .extracting(DamagedContent::id)
          .containsExactlyInAnyOrder(recordGone.id(), rowGone.id());
      assertThat(report.ranges())
          .contains(range(second.id(), 30, CHUNK), range(second.id(), 40, CHUNK));
    }
  }

  @Test
  void noticesARowThatNamesAnothersRecord() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 50);
    IndexRow row = repository.row(key);
    long another = repository.row(DamagedRepository.chunkKey(disk, 51)).ordinal();
    IndexRow wrong =
        new IndexRow(another, row.plainLength(), row.epoch(), row.recordLength(), false);
    repository.put(Family.INDEX, key.encode(), wrong.encode());
    VerifyReport report = verify(everything());
    assertThat(report.contents()).extracting(DamagedContent::id).containsExactly(key.id());
    assertThat(report.ranges()).contains(range(second.id(), 50, CHUNK));
  }

  @Test
  void noticesARowThatIsNoRow() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 60);
    repository.put(Family.INDEX, key.encode(), new byte[5]);
    VerifyReport report = verify(everything());
    assertThat(report.contents()).extracting(DamagedContent::id).containsExactly(key.id());
    assertThat(report.ranges()).contains(range(second.id(), 60, CHUNK));
  }

  @Test
  void noticesADamagedRowOfTheCatalogAndVerifiesTheRest() throws Exception {
    byte[] key = SnapshotFrame.key(first.id());
    byte[] row = repository.get(Family.CATALOG, key);
    row[row.length - 1] ^= 1;
    repository.put(Family.CATALOG, key, row);
    repository.flipBit(DamagedRepository.chunkKey(disk, CHANGED));
    VerifyReport report = verify(everything());
    assertThat(report.items()).singleElement().matches(i -> i.what().contains(first.id().hex()));
    assertThat(report.ranges()).containsExactly(range(second.id(), CHANGED, CHUNK));
  }

  @Test
  void checksNoContentWhereOnlyChecksumsAreWanted() throws Exception {
    repository.flipBit(DamagedRepository.chunkKey(disk, 70));
    assertThat(verify(checksums()).ranges()).contains(range(second.id(), 70, CHUNK));
  }

  @Test
  void readsAboutAsManyRecordsAsTheSampleWants() throws StoreException {
    long seed = Seeds.random("sample").nextLong();
    VerifyOptions options = new VerifyOptions(Set.of(), 30, seed, false, 2);
    VerifyReport report = verify(options);
    assertThat(report.records()).isBetween(50L, 140L);
    assertThat(verify(options).records()).isEqualTo(report.records());
  }

  @Test
  void endsWhenTheListenerWantsNoMore() throws StoreException {
    try (ChunkStore store = Repositories.openReadOnly(repository.dir())) {
      VerifyReport report =
          store.verify(everything(), progress -> progress.phase() != VerifyPhase.RECORDS);
      assertThat(report.complete()).isFalse();
      assertThat(report.records()).isZero();
    }
  }

  @Test
  void healsWhatWasFlaggedWhenTheSameContentIsBackedUpAgain() throws Exception {
    IndexKey chunk = DamagedRepository.chunkKey(disk, 80);
    IndexKey node = new IndexKey(RecordType.NODE, second.disks().get(0).root());
    long ordinal = repository.row(chunk).ordinal();
    for (IndexKey key : List.of(chunk, node)) {
      repository.flipBit(key);
    }
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(everything(), progress -> true).flagged()).isEqualTo(2);
      assertThat(store.verify(everything(), progress -> true).flagged()).isZero();
    }
    assertThat(repository.row(chunk).damaged()).isTrue();
    byte[] bad = repository.record(ordinal);
    assertThat(
            repository.dir().resolve("quarantine").resolve(ordinal + "-" + chunk.id() + ".record"))
        .hasBinaryContent(bad);
    SnapshotRecord third = repository.backUp(disk);
    assertThat(repository.row(chunk).ordinal()).isGreaterThan(ordinal);
    assertThat(repository.row(chunk).damaged()).isFalse();
    assertThat(verify(everything()).isClean()).isTrue();
    for (SnapshotRecord snapshot : List.of(second, third)) {
      assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
    }
  }

  @Test
  void flagsNothingThatIsWhole() throws Exception {
    IndexKey key = DamagedRepository.chunkKey(disk, 90);
    repository.flipBit(key);
    VerifyReport report = verify(everything());
    repository.flipBit(key);
    try (ChunkStore store = repository.open()) {
      assertThat(store.flagDamaged(report)).isZero();
    }
    assertThat(repository.row(key).damaged()).isFalse();
  }

  @Test
  void findsEveryFlippedBitOfTheChunksTablesAndReadsAllTheRest() throws Exception {
    Random random = Seeds.random("flipped tables");
    Path table = largest(repository.tables(Family.CHUNK));
    byte[] good = Files.readAllBytes(table);
    for (int round = 0; round < 20; round++) {
      byte[] bad = good.clone();
      // Within the data blocks: what stands behind them is mostly not read again.
      bad[random.nextInt(good.length * 9 / 10)] ^= (byte) (1 << random.nextInt(8));
      Files.write(table, bad);
      VerifyReport report = verifyDamaged();
      assertThat(report.isClean()).isFalse();
      assertThat(report.ranges()).isNotEmpty();
      assertThat(report.contentsFound()).isLessThan(10);
    }
  }

  @Test
  void findsWhatATableThatIsMissingOrCutHeld() throws Exception {
    for (Family family : Family.values()) {
      for (Path table : repository.tables(family)) {
        byte[] good = Files.readAllBytes(table);
        for (int length : new int[] {-1, 0, good.length / 2, good.length - 1}) {
          if (length < 0) {
            Files.delete(table);
          } else {
            Files.write(table, Arrays.copyOf(good, length));
          }
          VerifyReport report = verifyDamaged();
          assertThat(report.items())
              .as("%s of %s cut to %d", table.getFileName(), family, length)
              .extracting(DamagedItem::what)
              .anyMatch(what -> what.contains(String.valueOf(table.getFileName())));
          Files.write(table, good);
        }
      }
    }
    assertThat(verify(everything()).isClean()).isTrue();
  }

  @Test
  void noticesWhateverBitOfAFileOfTheDatabaseIsDamaged() throws Exception {
    Random random = Seeds.random("damaged files");
    for (Path file : repository.files()) {
      // RocksDB writes these two for people, and this store reads neither.
      String name = String.valueOf(file.getFileName());
      boolean means = !name.equals("IDENTITY") && !name.startsWith("OPTIONS-");
      byte[] good = Files.readAllBytes(file);
      for (int round = 0; round < 6 && good.length > 0; round++) {
        byte[] bad = good.clone();
        int at = random.nextInt(bad.length);
        bad[at] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, bad);
        assertThat(noticesDamage()).as("byte %d of %s", at, name).isEqualTo(means);
        assertThat(readOrNothing(second.id())).isIn(disk.bytes(), new byte[0]);
      }
      Files.write(file, good);
    }
  }

  /** By what it reports, or because nothing can be verified at all. */
  private boolean noticesDamage() throws StoreException {
    try {
      return !verifyDamaged().isClean();
    } catch (DamagedException | StoreFailedException e) {
      // The latter where CURRENT names a list of tables that is not there.
      assertThat(e).message().isNotBlank();
      return true;
    }
  }

  private byte[] readOrNothing(SnapshotId id) throws IOException {
    try {
      return repository.read(id);
    } catch (StoreException e) {
      return new byte[0];
    }
  }

  private static Path largest(List<Path> files) throws IOException {
    Path largest = files.get(0);
    for (Path file : files) {
      largest = Files.size(file) > Files.size(largest) ? file : largest;
    }
    return largest;
  }

  private static DamagedRange range(SnapshotId snapshot, int chunk, long lengthBytes) {
    return new DamagedRange(snapshot, "vm", "vda", (long) chunk * CHUNK, lengthBytes);
  }

  private static VerifyOptions everything() {
    return VerifyOptions.everything(2);
  }

  private static VerifyOptions only(SnapshotId id) {
    return new VerifyOptions(Set.of(id), 100, 0, false, 2);
  }

  private static VerifyOptions checksums() {
    return new VerifyOptions(Set.of(), 100, 0, true, 2);
  }

  private VerifyReport verify(VerifyOptions options) throws StoreException {
    try (ChunkStore store = Repositories.openReadOnly(repository.dir())) {
      return store.verify(options, progress -> true);
    }
  }

  private VerifyReport verifyDamaged() throws StoreException {
    try (ChunkStore store = Repositories.openDamaged(repository.dir())) {
      return store.verify(everything(), progress -> true);
    }
  }
}
