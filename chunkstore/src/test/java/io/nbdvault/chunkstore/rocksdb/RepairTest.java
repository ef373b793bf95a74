package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryInUseException;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three snapshots of a disk of 40 chunks, each with some chunks of its own, in tables of its own.
 */
@Timeout(120)
class RepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 40;
  private static final int CHANGED = 5;

  @TempDir private Path temporary;
  private final byte[][] contents = new byte[3][];
  private final SnapshotRecord[] snapshots = new SnapshotRecord[3];
  private DamagedRepository repository;
  private DiskImage disk;

  /** Of the catalog: only those excuse that a snapshot is gone. */
  private int acknowledgedLosses;

  @BeforeEach
  void makeRepository() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    Random random = Seeds.random("repair");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    for (int i = 0; i < 3; i++) {
      for (int chunk = 0; i > 0 && chunk < CHANGED; chunk++) {
        disk.fill(i * CHANGED + chunk, random);
      }
      snapshots[i] = repository.backUp(disk);
      contents[i] = disk.bytes();
    }
  }

  @Test
  void findsNothingToDoInAWholeRepository() throws Exception {
    List<Path> before = repository.files();
    assertThat(plan().steps()).isEmpty();
    RepairReport report = repair();
    assertThat(report.plan().damage()).isEmpty();
    assertThat(report.quarantine()).isEmpty();
    assertThat(repository.files()).isEqualTo(before);
    assertThat(repository.dir().resolve("quarantine")).doesNotExist();
  }

  @Test
  void planningChangesNothing() throws Exception {
    Path table = largest(Family.CHUNK);
    byte[] bad = flip(table, 1000);
    List<Path> before = repository.files();
    RepairPlan plan = plan();
    assertThat(plan.steps()).containsExactly(RepairStep.REPLACE_TABLES, RepairStep.FLAG);
    assertThat(plan.damage())
        .extracting(DamagedItem::what)
        .anyMatch(what -> what.contains(String.valueOf(table.getFileName())));
    assertThat(repository.files()).isEqualTo(before);
    assertThat(table).hasBinaryContent(bad);
    assertThat(repository.dir().resolve("db.repairing")).doesNotExist();
  }

  /** A disk that gave an error once: of the rows that were not read nobody knows anything. */
  @Test
  void planningFailsWhereRowsCannotBeReadAndAllFilesAreWhole() throws Exception {
    Path table = largest(Family.INDEX);
    DamagedRepository.flipByte(table, 10);
    AtomicBoolean mended = new AtomicBoolean();
    assertThatThrownBy(
            () ->
                Repositories.planRepair(
                    repository.dir(),
                    (what, done, expected) -> {
                      if (what.equals("checking files") && !mended.getAndSet(true)) {
                        mend(table);
                      }
                    }))
        .isInstanceOf(StoreFailedException.class)
        .hasMessageContaining("The disk gave an error")
        .hasMessageContaining("family index");
    assertThat(plan().damage()).isEmpty();
  }

  private static void mend(Path table) {
    try {
      DamagedRepository.flipByte(table, 10);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void losesOneRecordOfATableWithOneBadBlock() throws Exception {
    Path table = largest(Family.CHUNK);
    flip(table, Files.size(table) / 2);
    RepairReport report = repair();
    assertThat(report.recordsPutBack()).isGreaterThan(CHUNKS / 2);
    assertThat(report.flagged()).isEqualTo(1);
    assertThat(report.lost()).isEmpty();
    VerifyReport verified = verifyAndFlag();
    assertThat(verified.contentsFound()).isEqualTo(1);
    assertThat(verified.flagged()).isZero();
    assertThat(verified.items()).isEmpty();
    assertOthersCanBeRead(verified);
    healsByBackup();
  }

  @Test
  void repairsATableOfTheChunksThatIsMissingOrCut() throws Exception {
    for (boolean cut : new boolean[] {true, false}) {
      Path table = largest(Family.CHUNK);
      if (cut) {
        Files.write(table, Arrays.copyOf(Files.readAllBytes(table), 5000));
      } else {
        Files.delete(table);
      }
      repair();
      VerifyReport verified = verifyAndFlag();
      assertThat(verified.items()).isEmpty();
      assertThat(verified.ranges()).isNotEmpty();
      healsByBackup();
    }
  }

  @Test
  void makesTheIndexAgainWhateverOfItIsLost() throws Exception {
    for (Path table : repository.tables(Family.INDEX)) {
      Files.delete(table);
    }
    RepairReport report = repair();
    assertThat(report.plan().steps()).contains(RepairStep.REBUILD_INDEX);
    assertThat(report.indexRows()).isGreaterThan(CHUNKS);
    assertAllWhole();
    healsByBackup();
  }

  @Test
  void makesTheIndexAgainFromABadBlock() throws Exception {
    for (Path table : repository.tables(Family.INDEX)) {
      flip(table, 100);
    }
    repair();
    assertAllWhole();
  }

  @Test
  void makesCountersAndConfigurationAgain() throws Exception {
    for (Path table : repository.tables(Family.DEFAULT)) {
      Files.delete(table);
    }
    repair();
    assertAllWhole();
    long highest = highestOrdinal();
    healsByBackup();
    disk.fill(0, Seeds.random("after"));
    repository.backUp(disk);
    assertThat(repository.row(DamagedRepository.chunkKey(disk, 0)).ordinal())
        .isGreaterThan(highest);
  }

  @Test
  void makesTheDatabaseAgainWhereTheListOfItsTablesIsDamaged() throws Exception {
    for (Path file : repository.files()) {
      if (String.valueOf(file.getFileName()).startsWith("MANIFEST-")) {
        flip(file, Files.size(file) / 2);
      }
    }
    assertThatThrownBy(repository::open).isInstanceOf(StoreException.class);
    RepairReport report = repair();
    assertThat(report.plan().steps())
        .containsExactly(RepairStep.REBUILD_DATABASE, RepairStep.REBUILD_INDEX, RepairStep.FLAG);
    assertAllWhole();
    healsByBackup();
  }

  @Test
  void namesTheListOfTablesAgain() throws Exception {
    Files.writeString(repository.databaseDir().resolve("CURRENT"), "x");
    assertThat(repair().plan().steps()).contains(RepairStep.WRITE_CURRENT);
    assertAllWhole();
    Files.delete(repository.databaseDir().resolve("CURRENT"));
    repair();
    assertAllWhole();
  }

  @Test
  void writesALostConfigurationAgain() throws Exception {
    Path config = repository.dir().resolve("config.json");
    byte[] good = Files.readAllBytes(config);
    for (byte[] bad : new byte[][] {null, "{".getBytes(StandardCharsets.UTF_8), new byte[0]}) {
      Files.delete(config);
      if (bad != null) {
        Files.write(config, bad);
      }
      assertThat(repair().plan().steps()).containsExactly(RepairStep.WRITE_CONFIG, RepairStep.FLAG);
      assertThat(config).hasBinaryContent(good);
      assertAllWhole();
    }
  }

  @Test
  void keepsEverythingThatWasThereInQuarantine() throws Exception {
    Path table = largest(Family.CHUNK);
    byte[] bad = flip(table, 3000);
    RepairReport report = repair();
    assertThat(report.quarantine()).isEqualTo("quarantine/db-1");
    assertThat(repository.dir().resolve(report.quarantine()).resolve(table.getFileName()))
        .hasBinaryContent(bad);
    flip(largest(Family.CHUNK), 3000);
    assertThat(repair().quarantine()).isEqualTo("quarantine/db-2");
  }

  @Test
  void repairsWhateverFileIsDamagedAndReadsWhatItDoesNotReport() throws Exception {
    Random random = Seeds.random("any file");
    byte[] zeros = new byte[500];
    for (int round = 0; round < 6; round++) {
      List<Path> files =
          repository.files().stream()
              .filter(file -> file.toString().matches(".*(sst|MANIFEST-.*|CURRENT)"))
              .toList();
      Path file = files.get(random.nextInt(files.size()));
      byte[] bytes = Files.readAllBytes(file);
      int at = random.nextInt(bytes.length);
      System.arraycopy(zeros, 0, bytes, at, Math.min(zeros.length, bytes.length - at));
      Files.write(file, bytes);
      System.out.println("round=" + round + " file=" + file.getFileName() + " at=" + at);
      RepairReport report = repair();
      acknowledgedLosses += report.lost().size();
      // Any loss that is not told is one that the assertions below do not forgive.
      Repositories.acknowledgeLosses(repository.dir());
      assertOthersCanBeRead(verifyAndFlag());
      healsByBackup();
    }
    System.out.println("losses=" + acknowledgedLosses);
  }

  @Test
  void finishesARepairThatWasKilledAtItsEnd() throws Exception {
    Path db = repository.databaseDir();
    Path repaired = repository.dir().resolve("db.repaired");
    Files.move(db, repaired);
    assertThat(repository.read(snapshots[2].id())).isEqualTo(contents[2]);
    assertThat(repaired).exists();
    repository.open().close();
    assertThat(repaired).doesNotExist();
    assertAllWhole();
  }

  @Test
  void beginsAnewWhereARepairWasKilledBeforeItsEnd() throws Exception {
    Path working = repository.dir().resolve("db.repairing");
    Files.createDirectory(working);
    Files.writeString(working.resolve("CURRENT"), "half");
    repository.open().close();
    Files.delete(repository.tables(Family.INDEX).get(0));
    repair();
    assertAllWhole();
  }

  @Test
  void refusesARepositoryThatIsInUseOrThatIsNone() throws Exception {
    try (ChunkStore store = repository.open()) {
      assertThat(store.snapshots()).hasSize(3);
      assertThatThrownBy(this::repair).isInstanceOf(RepositoryInUseException.class);
      assertThatThrownBy(this::plan).isInstanceOf(RepositoryInUseException.class);
    }
    assertThatThrownBy(() -> Repositories.repair(temporary, (what, done, expected) -> {}))
        .isInstanceOf(NoRepositoryException.class);
  }

  private RepairPlan plan() throws StoreException {
    return Repositories.planRepair(repository.dir(), (what, done, expected) -> {});
  }

  private RepairReport repair() throws StoreException {
    return Repositories.repair(repository.dir(), (what, done, expected) -> {});
  }

  private VerifyReport verifyAndFlag() throws StoreException {
    try (ChunkStore store = repository.open()) {
      return store.verify(VerifyOptions.everything(2), progress -> true);
    }
  }

  private void assertAllWhole() throws IOException {
    assertThat(verifyAndFlag().isClean()).isTrue();
    for (int i = 0; i < snapshots.length; i++) {
      assertThat(repository.read(snapshots[i].id())).isEqualTo(contents[i]);
    }
  }

  /** Snapshots without a damaged range are read whole. */
  private void assertOthersCanBeRead(VerifyReport verified) throws IOException {
    try (ChunkStore store = repository.open()) {
      for (int i = 0; i < snapshots.length; i++) {
        var id = snapshots[i].id();
        boolean damaged =
            verified.ranges().stream().map(DamagedRange::snapshot).anyMatch(id::equals);
        if (!damaged && isThere(store, id)) {
          try (var reader = store.open(id)) {
            assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(contents[i]);
          }
        }
      }
    }
  }

  /** What the three snapshots held is backed up again; then nothing is damaged any more. */
  private void healsByBackup() throws IOException {
    for (byte[] content : contents) {
      DiskImage same = new DiskImage(CHUNKS * CHUNK, CHUNK);
      same.set(content);
      repository.backUp(same);
    }
    assertAllOfThemThatAreLeft();
  }

  private void assertAllOfThemThatAreLeft() throws IOException {
    assertThat(verifyAndFlag().isClean()).isTrue();
    try (ChunkStore store = repository.open()) {
      for (int i = 0; i < snapshots.length; i++) {
        if (isThere(store, snapshots[i].id())) {
          try (var reader = store.open(snapshots[i].id())) {
            assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(contents[i]);
          }
        }
      }
    }
  }

  /** A snapshot is gone only if a repair has said so. */
  private boolean isThere(ChunkStore store, SnapshotId id) throws StoreException {
    boolean there = store.snapshot(id).isPresent();
    assertThat(there || acknowledgedLosses > 0).as("snapshot %s is there", id).isTrue();
    return there;
  }

  private long highestOrdinal() throws Exception {
    long highest = 0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      long ordinal = repository.row(DamagedRepository.chunkKey(disk, chunk)).ordinal();
      highest = Math.max(highest, ordinal);
    }
    return highest;
  }

  private Path largest(Family family) throws IOException {
    Path largest = null;
    for (Path file : repository.tables(family)) {
      largest = largest == null || Files.size(file) > Files.size(largest) ? file : largest;
    }
    return java.util.Objects.requireNonNull(largest);
  }

  /** Flips a bit. Returns what the file holds then. */
  private static byte[] flip(Path file, long at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) at] ^= 1;
    Files.write(file, bytes);
    return bytes;
  }
}
