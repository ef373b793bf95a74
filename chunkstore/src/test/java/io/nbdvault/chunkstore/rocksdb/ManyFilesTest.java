package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.SnapshotId;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What must not take longer for each file the more files there are. */
@Timeout(120)
class ManyFilesTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int FEW = 8;
  private static final int MANY = 48;

  @TempDir private Path dir;
  private final Random random = Seeds.random("many files");

  @AfterEach
  void countNoMore() {
    Database.beforeListing = () -> {};
  }

  @Test
  void aCollectionListsAllFilesNoMoreOftenIfThereAreMany() throws Exception {
    assertThat(listingsOfACollection(MANY)).isEqualTo(listingsOfACollection(FEW)).isLessThan(15);
  }

  /** Of as many backups, each with a file of its own, half of them forgotten. */
  private int listingsOfACollection(int backups) throws Exception {
    DamagedRepository repository = DamagedRepository.create(dir.resolve("of" + backups));
    Set<SnapshotId> forgotten = new HashSet<>();
    try (ChunkStore store = repository.open()) {
      // Chunks that stay beside some that go, so that each file is rewritten, or dropped.
      DiskImage disk = new DiskImage(3 * CHUNK, CHUNK);
      for (int i = 0; i < backups; i++) {
        disk.fill(0, random);
        if (i % 4 < 2) {
          disk.fill(1, random);
        }
        SnapshotId id = repository.backUp(store, disk).id();
        if (i % 4 != 3) {
          forgotten.add(id);
        }
      }
    }
    assertThat(repository.tables(Family.CHUNK).size()).isGreaterThan(backups / 2);
    AtomicInteger listings = new AtomicInteger();
    try (ChunkStore store = repository.open()) {
      store.forget(forgotten);
      Database.beforeListing = listings::incrementAndGet;
      long freed =
          store.collect(CollectOptions.defaults(), CollectListener.silent()).recordsFreed();
      Database.beforeListing = () -> {};
      assertThat(freed).isGreaterThan(backups / 2);
    }
    return listings.get();
  }
}
