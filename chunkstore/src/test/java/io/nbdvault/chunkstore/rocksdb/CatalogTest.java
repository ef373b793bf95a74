package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotSeal;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class CatalogTest {
  private static final SnapshotState CONDEMNED =
      new SnapshotState(false, Optional.of(Instant.EPOCH), true);

  /** When look-ups were wrong, they were so some dozen times in as many. */
  private static final int ROUNDS = 5_000;

  /** What a round goes through, by how many of these steps there were so far. */
  private static final int PRESENT = 2;

  private static final int STEPS = 3;

  private static final int COMMITS = 40;

  @TempDir private Path dir;
  private final AtomicInteger steps = new AtomicInteger();
  private final AtomicInteger looks = new AtomicInteger();

  @Test
  @Timeout(60)
  void aCondemnedSnapshotIsNeverTakenForAKeptOneWhileItIsDeleted() throws Exception {
    DamagedRepository repository = DamagedRepository.create(dir.resolve("repository"));
    DiskImage disk = new DiskImage(DamagedRepository.CHUNK, DamagedRepository.CHUNK);
    disk.fill(0, 1);
    SnapshotId id = repository.backUp(disk).id();
    byte[] row = repository.get(Family.CATALOG, SnapshotFrame.key(id));
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      Catalog catalog = new Catalog(database, SnapshotSeal.NONE);
      Future<Integer> asKept = thread.submit(() -> countKept(catalog, id));
      for (int i = 0; i < ROUNDS; i++) {
        steps.incrementAndGet();
        try (RowBatch batch = database.newBatch()) {
          batch.put(Family.CATALOG, SnapshotFrame.key(id), row);
          catalog.put(batch, id, CONDEMNED);
          database.write(batch);
        }
        steps.incrementAndGet();
        try (RowBatch batch = database.newBatch()) {
          catalog.delete(batch, id);
          database.write(batch);
        }
        // Or the look-up that it fell into could hardly end within this round.
        for (int seen = looks.get(); looks.get() == seen && !asKept.isDone(); ) {
          LockSupport.parkNanos(1000);
        }
        steps.incrementAndGet();
      }
      assertThat(asKept.get(30, TimeUnit.SECONDS)).isZero();
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  @Timeout(60)
  void theFilesOfManyCommitsAreMerged() throws Exception {
    DamagedRepository repository = DamagedRepository.create(dir.resolve("repository"));
    for (int i = 0; i < COMMITS; i++) {
      // Each in a process of its own, as it were: what is merged is so beside the next commit.
      try (Database database =
          Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
        try (RowBatch batch = database.newBatch()) {
          byte[] key = {'t', (byte) i};
          batch.put(Family.CATALOG, key, key);
          database.write(batch);
        }
        database.flush();
      }
    }
    try (Database database =
        Database.open("test", repository.databaseDir(), DatabaseAccess.READ_WRITE)) {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (database.tables(Family.CATALOG).size() > COMMITS / 2 && System.nanoTime() < deadline) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
      }
      assertThat(database.tables(Family.CATALOG)).hasSizeLessThanOrEqualTo(COMMITS / 2);
      for (int i = 0; i < COMMITS; i++) {
        byte[] key = {'t', (byte) i};
        assertThat(database.get(Family.CATALOG, key)).isEqualTo(key);
      }
    }
  }

  /** Looks it up again and again. What is found across the beginning of a round does not count. */
  private int countKept(Catalog catalog, SnapshotId id) throws StoreException {
    int kept = 0;
    for (int before = 0; before < ROUNDS * STEPS; before = steps.get()) {
      Optional<CatalogEntry> found = catalog.find(id);
      boolean isOfOneRound = before % STEPS == PRESENT && steps.get() <= before + 1;
      if (isOfOneRound && found.isPresent() && !found.get().state().condemned()) {
        kept++;
      }
      looks.incrementAndGet();
    }
    return kept;
  }
}
