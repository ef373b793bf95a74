package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How much a repair rewrites, and whether its plan says so. */
@Timeout(120)
class RepairSpaceTest {
  private static final int BACKUPS = 30;
  private static final int CHUNKS = 20;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));
  private final List<SnapshotRecord> snapshots = new ArrayList<>();
  private long peakBytes;

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    Random random = Seeds.random("space of a repair");
    try (ChunkStore store = repository.open()) {
      for (int backup = 0; backup < BACKUPS; backup++) {
        DiskImage disk = new DiskImage(CHUNKS * DamagedRepository.CHUNK, DamagedRepository.CHUNK);
        for (int i = 0; i < CHUNKS; i++) {
          disk.fill(i, random);
        }
        snapshots.add(repository.backUp(store, disk));
      }
    }
  }

  @AfterEach
  void stopMeasuring() {
    Database.beforeChange = () -> {};
  }

  private static void damage(Path table) throws IOException {
    byte[] bytes = Files.readAllBytes(table);
    bytes[bytes.length / 2] ^= 1;
    Files.write(table, bytes);
  }

  private RepairPlan plan() throws StoreException {
    return Repositories.planRepair(repository.dir(), (what, done, expected) -> {});
  }

  /** Repairs, and looks before each change how much the copy has that the database has not. */
  private void repair() throws StoreException {
    Path copy = repository.dir().resolve("db.repairing");
    Database.beforeChange = () -> peakBytes = Math.max(peakBytes, ownBytes(copy));
    Repositories.repair(repository.dir(), (what, done, expected) -> {});
    stopMeasuring();
    peakBytes = Math.max(peakBytes, ownBytes(repository.databaseDir()));
  }

  private static long ownBytes(Path dir) {
    long bytes = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(dir)) {
      for (Path file : files) {
        bytes += ownFileBytes(file);
      }
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes;
  }

  /** What is a link is the database's. What RocksDB has just deleted takes no room. */
  private static long ownFileBytes(Path file) throws IOException {
    try {
      boolean linked = ((Number) Files.getAttribute(file, "unix:nlink")).intValue() > 1;
      return linked ? 0 : Files.size(file);
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  @Test
  void whatLiesBetweenTwoDamagedTablesIsNotRewritten() throws Exception {
    List<Path> tables = repository.tables(Family.CHUNK);
    assertThat(tables).hasSize(BACKUPS);
    long allBytes = 0;
    for (Path table : tables) {
      allBytes += Files.size(table);
    }
    damage(tables.get(0));
    damage(tables.get(BACKUPS - 1));
    RepairPlan plan = plan();

    repair();

    assertThat(repository.tables(Family.CHUNK)).containsAll(tables.subList(1, BACKUPS - 1));
    assertThat(repository.read(snapshots.get(1).id())).isNotEmpty();
    assertThat(repository.read(snapshots.get(BACKUPS - 2).id())).isNotEmpty();
    assertThat(plan.spaceBytes()).isBetween(peakBytes, allBytes / 2);
  }

  @Test
  void aPlanAsksForWhatReplacingATableOfTheIndexTakes() throws Exception {
    damage(repository.tables(Family.INDEX).get(0));
    RepairPlan plan = plan();
    repair();
    assertThat(plan.spaceBytes()).isGreaterThanOrEqualTo(peakBytes);
    assertThat(repository.read(snapshots.get(0).id())).isNotEmpty();
  }

  @Test
  void aPlanAsksForWhatMakingTheDatabaseAnewTakes() throws Exception {
    for (Path file : repository.files()) {
      if (String.valueOf(file.getFileName()).startsWith("MANIFEST-")) {
        Files.write(file, new byte[50]);
      }
    }
    RepairPlan plan = plan();
    repair();
    assertThat(plan.spaceBytes()).isGreaterThanOrEqualTo(peakBytes);
  }
}
