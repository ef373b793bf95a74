package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.TestRecords;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A repair was killed between its last two renames: the only complete database lies beside its
 * place. Whoever comes first, nothing of it is lost.
 */
@Timeout(120)
class PendingRepairTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 10;
  private static final KeyFile KEY = KeyFile.of(new byte[KeyFile.BYTES_MIN]);
  private static final Unlocking UNLOCKING = Unlocking.with(KEY);

  @TempDir private Path temporary;
  private Path dir = Path.of("");
  private DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
  private SnapshotId snapshot = new SnapshotId("0".repeat(32));

  /** Somebody who comes first. */
  enum First {
    OPEN {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.open(dir, UNLOCKING).close();
      }
    },
    OPEN_TO_RECLAIM {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.openToReclaim(dir, UNLOCKING).close();
      }
    },
    OPEN_READ_ONLY {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.openReadOnly(dir, UNLOCKING).close();
      }
    },
    OPEN_DAMAGED {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.openDamaged(dir, UNLOCKING).close();
      }
    },
    OPEN_LOCKED {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.openLocked(dir).close();
      }
    },
    KEY_SLOTS {
      @Override
      void come(Path dir) throws StoreException {
        assertThat(Repositories.keySlots(dir)).hasSize(1);
      }
    },
    OPEN_KEYS {
      @Override
      void come(Path dir) throws StoreException {
        Repositories.openKeys(dir, UNLOCKING).close();
      }
    },
    PLAN {
      @Override
      void come(Path dir) throws StoreException {
        assertThat(Repositories.planRepair(dir, (what, done, expected) -> {}).steps()).isEmpty();
      }
    },
    REPAIR {
      @Override
      void come(Path dir) throws StoreException {
        assertThat(Repositories.repair(dir, (what, done, expected) -> {}).plan().steps()).isEmpty();
      }
    };

    abstract void come(Path dir) throws StoreException;
  }

  @BeforeEach
  void makeRepository() throws StoreException {
    dir = temporary.resolve("repository");
    Random random = Seeds.random("pending repair");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    Repositories.createEncrypted(dir, new RepositoryOptions(CHUNK, Compression.LZ4), KEY, "");
    try (ChunkStore store = Repositories.open(dir, UNLOCKING);
        BackupSession session = store.beginBackup(Set.of(), Compression.LZ4)) {
      snapshot = session.snapshotId();
      session.commit(
          TestRecords.snapshot(
              snapshot, TestRecords.TIME, disk.backUp(session, "vda", Optional.empty())));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoeverComesFirstUsesTheRepairedDatabase(First first) throws Exception {
    Files.move(dir.resolve("db"), dir.resolve("db.repaired"));
    first.come(dir);
    assertWhole();
  }

  @ParameterizedTest
  @EnumSource
  void anEmptyDatabaseDirectoryIsNotTakenForTheDatabase(First first) throws Exception {
    Files.move(dir.resolve("db"), dir.resolve("db.repaired"));
    Files.createDirectory(dir.resolve("db"));
    Files.createFile(dir.resolve("db/LOCK"));
    first.come(dir);
    assertWhole();
  }

  @Test
  void aDatabaseThatWasWrittenToSinceIsNotReplaced() throws Exception {
    Path repaired = Files.createDirectory(dir.resolve("db.repaired"));
    Files.writeString(repaired.resolve("CURRENT"), "MANIFEST-000001\n");
    for (First first : First.values()) {
      first.come(dir);
      assertThat(List.of(repaired, dir.resolve("quarantine/db-1")))
          .filteredOn(place -> Files.exists(place.resolve("CURRENT")))
          .hasSize(1);
      assertWhole();
    }
    assertThat(repaired).doesNotExist();
  }

  @Test
  void theNextRepairDeletesNothingOfAnEarlierOne() throws Exception {
    Path repaired = Files.createDirectory(dir.resolve("db.repaired"));
    Files.writeString(repaired.resolve("CURRENT"), "MANIFEST-000001\n");
    Files.writeString(dir.resolve("db/CURRENT"), "x");
    assertThat(Repositories.repair(dir, (what, done, expected) -> {}).quarantine())
        .isEqualTo("quarantine/db-2");
    assertThat(dir.resolve("quarantine/db-1/CURRENT")).hasContent("MANIFEST-000001\n");
    assertWhole();
  }

  private void assertWhole() throws IOException {
    try (ChunkStore store = Repositories.open(dir, UNLOCKING);
        SnapshotReader reader = store.open(snapshot)) {
      assertThat(DiskImage.readAll(reader.disk("vda"))).isEqualTo(disk.bytes());
    }
    assertThat(dir.resolve("db/CURRENT")).exists();
  }
}
