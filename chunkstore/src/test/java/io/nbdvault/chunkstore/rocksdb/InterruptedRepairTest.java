package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The repository as it is before each change that a repair makes on disk, for every kind of repair:
 * that is what a process leaves that is killed there. Whoever opens it first, and whether they can
 * or not, repairing it then ends as if nothing had happened. {@link KilledRepairTest} really kills.
 */
@Tag("long")
@Timeout(300)
class InterruptedRepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 8;

  /** For each kind of damage; all of them with {@code -Dnbdvault.crash.all=true}. */
  private static final int TRIES_MAX = 3;

  private static final KeyFile KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN]);

  @TempDir private Path temporary;
  private final DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
  private Path dir = Path.of("");
  private Unlocking unlocking = Unlocking.none();
  private SnapshotId snapshot = new SnapshotId("0".repeat(32));

  /** Opens a repository in some way. */
  @FunctionalInterface
  private interface Opener {
    void open(Path dir, Unlocking unlocking) throws StoreException;
  }

  private static final List<Opener> OPENERS =
      List.of(
          (dir, unlocking) -> Repositories.open(dir, unlocking).close(),
          (dir, unlocking) -> Repositories.openToReclaim(dir, unlocking).close(),
          (dir, unlocking) -> Repositories.openReadOnly(dir, unlocking).close(),
          (dir, unlocking) -> Repositories.openDamaged(dir, unlocking).close(),
          (dir, unlocking) -> Repositories.openLocked(dir).close(),
          InterruptedRepairTest::openKeys);

  private static void openKeys(Path dir, Unlocking unlocking) throws StoreException {
    if (unlocking.expectsEncryption()) {
      Repositories.openKeys(dir, unlocking).close();
    } else {
      Repositories.openToReclaim(dir, unlocking).close();
    }
  }

  /** What is damaged. */
  enum Damage {
    INDEX(RepairStep.REPLACE_TABLES),
    CHUNK(RepairStep.REPLACE_TABLES),
    CATALOG(RepairStep.REPLACE_TABLES),
    LIST(RepairStep.REBUILD_DATABASE),
    CURRENT(RepairStep.WRITE_CURRENT),
    CONFIG(RepairStep.WRITE_CONFIG),
    STATE_ROW(RepairStep.MEND_ROWS);

    final RepairStep step;

    Damage(RepairStep step) {
      this.step = step;
    }
  }

  @AfterEach
  void letChangesPass() {
    Database.beforeChange = () -> {};
  }

  @ParameterizedTest
  @EnumSource
  void repairsWhateverARepairHasLeft(Damage damage) throws Exception {
    tryAll(damage, false);
  }

  @ParameterizedTest
  @EnumSource
  void repairsWhateverARepairOfAnEncryptedRepositoryHasLeft(Damage damage) throws Exception {
    tryAll(damage, true);
  }

  private void tryAll(Damage damage, boolean encrypted) throws Exception {
    makeRepository(encrypted);
    damage(damage);
    List<Path> images = new ArrayList<>();
    Database.beforeChange =
        () -> {
          Path image = temporary.resolve("image-" + images.size());
          copy(dir, image);
          images.add(image);
        };
    assertThat(repair(dir)).contains(damage.step);
    Database.beforeChange = () -> {};
    System.out.println("damage=" + damage + " images=" + images.size());
    assertThat(images).hasSizeGreaterThan(damage == Damage.CONFIG ? -1 : 4);
    List<Try> tries = tries(images);
    for (int i = 0; i < tries.size(); i++) {
      Path copy = temporary.resolve("copy-" + i);
      copy(tries.get(i).image(), copy);
      tryToOpen(tries.get(i).opener(), copy);
      repair(copy);
      assertRepaired(damage, copy);
    }
    assertRepaired(damage, dir);
  }

  /** What a killed repair has left, and how it is opened first. */
  private record Try(Path image, Opener opener) {}

  private static List<Try> tries(List<Path> images) {
    List<Try> tries = new ArrayList<>();
    for (Path image : images) {
      boolean late = Files.exists(image.resolve("db.repaired"));
      int other = tries.size() % OPENERS.size();
      for (Opener opener : late ? OPENERS : OPENERS.subList(other, other + 1)) {
        tries.add(new Try(image, opener));
      }
    }
    if (Boolean.getBoolean("nbdvault.crash.all")) {
      return tries;
    }
    Collections.shuffle(tries, Seeds.random("tries"));
    return tries.subList(0, Math.min(tries.size(), TRIES_MAX));
  }

  private void makeRepository(boolean encrypted) throws StoreException {
    dir = temporary.resolve("repository");
    Random random = Seeds.random("interrupted repair");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    RepositoryOptions options = new RepositoryOptions(CHUNK, Compression.LZ4);
    if (encrypted) {
      Repositories.createEncrypted(dir, options, KEY, "");
      unlocking = Unlocking.with(KEY);
    } else {
      Repositories.create(dir, options);
    }
    try (ChunkStore store = Repositories.open(dir, unlocking)) {
      snapshot = backUp(store);
      store.setProtected(snapshot, true);
    }
  }

  private SnapshotId backUp(ChunkStore store) throws StoreException {
    try (BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      var vda = disk.backUp(session, "vda", Optional.empty());
      return session.commit(TestRecords.snapshot(session.snapshotId(), TestRecords.TIME, vda)).id();
    }
  }

  private void damage(Damage damage) throws Exception {
    switch (damage) {
      case INDEX -> deleteTables(Family.INDEX);
      case CHUNK -> deleteTables(Family.CHUNK);
      case CATALOG -> deleteTables(Family.CATALOG);
      case LIST -> {
        try (DirectoryStream<Path> lists =
            Files.newDirectoryStream(dir.resolve("db"), "MANIFEST-*")) {
          for (Path list : lists) {
            Files.write(list, new byte[100]);
          }
        }
      }
      case CURRENT -> Files.delete(dir.resolve("db/CURRENT"));
      case CONFIG -> Files.writeString(dir.resolve("config.json"), "{");
      case STATE_ROW -> {
        byte[] key = SnapshotStateRow.key(snapshot);
        try (Database db = Database.open("", dir.resolve("db"), DatabaseAccess.READ_WRITE);
            RowBatch batch = db.newBatch()) {
          byte[] row = Objects.requireNonNull(db.get(Family.CATALOG, key));
          row[10] ^= 1;
          batch.put(Family.CATALOG, key, row);
          db.write(batch);
          db.flush();
        }
      }
    }
  }

  private void deleteTables(Family family) throws Exception {
    List<Path> tables;
    try (Database db = Database.open("", dir.resolve("db"), DatabaseAccess.READ_ONLY)) {
      tables =
          db.liveFiles().stream()
              .filter(table -> Arrays.equals(table.columnFamilyName(), family.nameBytes()))
              .map(table -> DamagedTables.fileOf(dir.resolve("db"), table))
              .toList();
    }
    for (Path table : tables) {
      Files.delete(table);
    }
  }

  private void tryToOpen(Opener opener, Path copy) {
    try {
      opener.open(copy, unlocking);
    } catch (StoreException e) {
      // It is damaged still. It must not be so because it is gone.
      assertThat(copy.resolve("db")).as("%s", e).isDirectory();
    }
  }

  private static List<RepairStep> repair(Path repository) throws StoreException {
    return Repositories.repair(repository, (what, done, expected) -> {}).plan().steps();
  }

  private void assertRepaired(Damage damage, Path repository) throws IOException {
    assertThat(repository.resolve("db.repairing")).doesNotExist();
    assertThat(repository.resolve("db.repaired")).doesNotExist();
    assertThat(Repositories.planRepair(repository, (what, done, expected) -> {}).damage())
        .isEmpty();
    try (ChunkStore store = Repositories.open(repository, unlocking)) {
      if (damage == Damage.CATALOG) {
        assertThat(store.snapshots()).isEmpty();
        assertThatThrownBy(() -> store.collect(CollectOptions.defaults(), CollectListener.silent()))
            .hasMessageContaining("repair --acknowledge");
      } else {
        assertThat(store.catalog())
            .singleElement()
            .matches(entry -> entry.state().isProtected())
            .matches(entry -> entry.record().id().equals(snapshot));
      }
      SnapshotId again = backUp(store);
      for (SnapshotId id : damage == Damage.CATALOG ? List.of(again) : List.of(snapshot, again)) {
        try (SnapshotReader reader = store.open(id)) {
          assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(disk.bytes());
        }
      }
      VerifyOptions everything = VerifyOptions.everything(1);
      assertThat(store.verify(everything, progress -> true).contentsFound()).isZero();
    }
    assertThat(Repositories.acknowledgeLosses(repository).isEmpty())
        .isEqualTo(damage != Damage.CATALOG);
  }

  private static void copy(Path from, Path to) {
    List<Path> paths = new ArrayList<>();
    try (Stream<Path> found = Files.walk(from)) {
      found.forEach(paths::add);
      for (Path path : paths) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
