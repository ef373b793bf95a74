package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.StoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The end of one file of records cannot be read, so that RocksDB cannot open that file. */
@Timeout(120)
class BadFooterTest {
  private static final int CHUNK = DamagedRepository.CHUNK;
  private static final int BACKUPS = 30;

  /** What RocksDB opens of its own accord when a database is opened to be written to. */
  private static final int OPENED_FIRST = 16;

  @TempDir private Path temporary;
  private DamagedRepository repository = DamagedRepository.at(Path.of(""));

  @BeforeEach
  void makeRepository() throws Exception {
    repository = DamagedRepository.create(temporary.resolve("repository"));
    try (ChunkStore store = repository.open()) {
      for (int i = 0; i < BACKUPS; i++) {
        DiskImage disk = new DiskImage(CHUNK, CHUNK);
        disk.fill(0, 1 + i);
        repository.backUp(store, disk);
      }
    }
  }

  /** What is done with a repository. */
  @FunctionalInterface
  private interface Use {
    void run() throws StoreException;
  }

  /** Damages each file of records by itself, and counts how often something is refused. */
  private int refusals(Use use) throws Exception {
    List<Path> tables = repository.tables(Family.CHUNK);
    assertThat(tables).hasSize(BACKUPS);
    int refused = 0;
    for (Path table : tables) {
      byte[] whole = Files.readAllBytes(table);
      byte[] damaged = whole.clone();
      damaged[damaged.length - 20] ^= 1;
      Files.write(table, damaged);
      try {
        use.run();
      } catch (DamagedException e) {
        refused++;
      }
      Files.write(table, whole);
    }
    return refused;
  }

  @Test
  void doesNotMatterForLookingWhetherCommitsAreLost() throws Exception {
    RepositoryDirectory directory = new RepositoryDirectory(repository.dir());
    assertThat(refusals(() -> HeadFindings.requireNothingLost(directory)))
        .isLessThanOrEqualTo(OPENED_FIRST / 4);
  }

  @Test
  void refusesNoMoreThanWhereRocksDbOpensTheFileAtOnce() throws Exception {
    assertThat(refusals(() -> repository.open().close())).isLessThanOrEqualTo(OPENED_FIRST);
  }
}
