package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.VerifyOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileReader;

/**
 * A wrong bit in the filter of a table of the index. It holds no rows, and RocksDB's own check of a
 * table passes over it, but with a small table RocksDB refuses to open the database for it.
 */
@Timeout(60)
class BadFilterTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int CHUNKS = 20;
  private static final int ROWS = 20_000;

  @TempDir private Path temporary;

  @Test
  void isFoundAndTheTableReplaced() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    DiskImage disk = new DiskImage(CHUNKS * CHUNK, CHUNK);
    Random random = Seeds.random("bad filter");
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      disk.fill(chunk, random);
    }
    SnapshotRecord snapshot = repository.backUp(disk);
    Path table = repository.tables(Family.INDEX).get(0);
    DamagedRepository.flipByte(table, inFilter(table));
    assertThatThrownBy(() -> repository.open().close()).isInstanceOf(DamagedException.class);
    try (ChunkStore store = Repositories.openDamaged(repository.dir())) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).items())
          .extracting(DamagedItem::what)
          .anyMatch(what -> what.contains(String.valueOf(table.getFileName())));
    }
    RepairReport report = Repositories.repair(repository.dir(), (what, done, expected) -> {});
    assertThat(report.plan().steps()).contains(RepairStep.REPLACE_TABLES);
    assertThat(report.flagged()).isZero();
    assertThat(report.lost()).isEmpty();
    try (ChunkStore store = repository.open()) {
      assertThat(store.verify(VerifyOptions.everything(1), progress -> true).isClean()).isTrue();
    }
    assertThat(repository.read(snapshot.id())).isEqualTo(disk.bytes());
  }

  /** A place that RocksDB's own check passes over. */
  private static int inFilter(Path table) throws Exception {
    for (int at = 0; at < Files.size(table); at++) {
      DamagedRepository.flipByte(table, at);
      try (Options options = new Options();
          SstFileReader reader = new SstFileReader(options)) {
        reader.open(table.toString());
        reader.verifyChecksum();
        DamagedRepository.flipByte(table, at);
        return at;
      } catch (RocksDBException e) {
        DamagedRepository.flipByte(table, at);
      }
    }
    throw new AssertionError("RocksDB's own check finds every wrong bit");
  }

  @Test
  void isFoundInEveryPartOfALargeOne() throws Exception {
    DamagedRepository repository = DamagedRepository.create(temporary.resolve("repository"));
    Random random = Seeds.random("large filter");
    try (Database database =
            Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE);
        RowBatch batch = database.newBatch()) {
      for (int i = 0; i < ROWS; i++) {
        byte[] key = new byte[33];
        random.nextBytes(key);
        batch.put(Family.INDEX, key, new byte[] {1});
      }
      database.write(batch);
      database.flush();
    }
    Path table = repository.tables(Family.INDEX).get(0);
    long filterBytes = ROWS * 10L / Byte.SIZE;
    long size = Files.size(table);
    assertThat(size).isGreaterThan(4 * filterBytes);
    for (int tries = 0; tries < 100; tries++) {
      // The filter lies behind the rows, and is followed by little.
      RepairTableTest.assertFound(
          table, (int) (size - 1 - random.nextInt((int) (2 * filterBytes))));
    }
  }
}
