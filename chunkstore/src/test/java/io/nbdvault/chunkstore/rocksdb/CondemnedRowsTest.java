package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A collection is killed before every third of its changes once it has condemned a snapshot, and
 * then the snapshot's state is damaged.
 */
@Timeout(120)
class CondemnedRowsTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 8;

  /** Of so many changes one: they are alike in groups. */
  private static final int EVERY = 3;

  /** Ends a collection where it is. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1;
  }

  /** What is done with a repository that is left like this. */
  @FunctionalInterface
  private interface Check {
    void run() throws Exception;
  }

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private final DiskImage kept = disk(0);
  private SnapshotId keptId = new SnapshotId("0".repeat(32));
  private SnapshotId condemned = keptId;

  private static DiskImage disk(int seed) {
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    for (int i = 0; i < CHUNKS; i++) {
      disk.fill(i, seed + i + 1);
    }
    return disk;
  }

  @AfterEach
  void letChangesBe() {
    Database.beforeChange = () -> {};
  }

  private void afterEachKill(Check check) throws Exception {
    Path template = makeTemplate();
    int checked = 0;
    boolean killed = true;
    for (int change = 1; killed; change += EVERY) {
      Path dir = temporary.resolve("repository" + change);
      copy(template, dir);
      repository = DamagedRepository.at(dir);
      killed = isCollectionKilledBefore(change);
      if (killed && isCondemned()) {
        byte[] key = SnapshotStateRow.key(condemned);
        byte[] row = repository.get(Family.CATALOG, key);
        row[10] ^= 1;
        repository.put(Family.CATALOG, key, row);
        check.run();
        assertGone();
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(2);
  }

  private Path makeTemplate() throws StoreException {
    repository = DamagedRepository.create(temporary.resolve("template"));
    try (ChunkStore store = repository.open()) {
      keptId = repository.backUp(store, kept).id();
      condemned = repository.backUp(store, disk(100)).id();
      store.forget(Set.of(condemned));
    }
    return repository.dir();
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(from)) {
      for (Path entry : entries) {
        Path copy = to.resolve(entry.getFileName());
        if (Files.isDirectory(entry)) {
          copy(entry, copy);
        } else {
          Files.copy(entry, copy);
        }
      }
    }
  }

  private boolean isCollectionKilledBefore(int change) throws StoreException {
    try (ChunkStore store = repository.open()) {
      int[] left = {change};
      Database.beforeChange =
          () -> {
            if (--left[0] == 0) {
              throw new Killed();
            }
          };
      collect(store);
      return false;
    } catch (Killed | StoreException e) {
      return true;
    } finally {
      letChangesBe();
    }
  }

  private boolean isCondemned() throws StoreException, MalformedRecordException {
    byte[] key = SnapshotStateRow.key(condemned);
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      byte[] row = db.get(Family.CATALOG, key);
      return row != null && SnapshotStateRow.decode(key, row).condemned();
    }
  }

  private static void collect(ChunkStore store) throws StoreException {
    store.collect(CollectOptions.defaults(), CollectListener.silent());
  }

  private void assertGone() throws Exception {
    try (ChunkStore store = repository.open()) {
      collect(store);
      assertThat(store.catalog())
          .extracting(CatalogEntry::record)
          .singleElement()
          .satisfies(record -> assertThat(record.id()).isEqualTo(keptId));
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    try (Database db = Database.open("test", repository.databaseDir(), DatabaseAccess.READ_ONLY)) {
      assertThat(CondemnedRows.read(db)).isEmpty();
    }
    assertThat(repository.read(keptId)).isEqualTo(kept.bytes());
  }

  @Test
  void theNextCollectionFinishesIt() throws Exception {
    afterEachKill(
        () -> {
          try (ChunkStore store = repository.open()) {
            assertThatThrownBy(() -> store.open(condemned))
                .isInstanceOf(NoSuchSnapshotException.class);
          }
        });
  }

  @Test
  void aRepairDoesNotTakeItForProtected() throws Exception {
    afterEachKill(
        () -> {
          Files.deleteIfExists(repository.dir().resolve("marks"));
          try (ChunkStore store = repository.open()) {
            assertThatThrownBy(() -> collect(store)).isInstanceOf(DamagedException.class);
          }
          assertThat(
                  Repositories.repair(repository.dir(), (what, done, expected) -> {})
                      .protectedAnew())
              .isEmpty();
        });
  }
}
