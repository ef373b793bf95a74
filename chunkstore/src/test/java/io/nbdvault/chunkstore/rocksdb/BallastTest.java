package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where there is room; where there is none, see {@link StoreFullIT}. */
class BallastTest {
  @TempDir private Path temporary;

  @Test
  void isThereFromTheBeginning() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    Path ballast = dir.resolve("ballast");
    assertThat(ballast).hasSize(Ballast.BYTES_MIN);
  }

  @Test
  void isMadeAgainByWhoeverOpensTheRepository() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    Path ballast = dir.resolve("ballast");
    Files.delete(ballast);
    try (ChunkStore store = Repositories.open(dir)) {
      assertThat(ballast).hasSize(Ballast.BYTES_MIN);
      Files.write(ballast, new byte[10]);
      assertThat(store.snapshots()).isEmpty();
    }
    assertThat(ballast).hasSize(Ballast.BYTES_MIN);
  }

  @Test
  void growsWithTheFilesThatMayHaveToBeRewritten() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    Ballast ballast = new Ballast(new RepositoryDirectory(dir));
    ballast.restore(5 << 20);
    assertThat(dir.resolve("ballast")).hasSize(Ballast.BYTES_MIN + (5 << 20));
    ballast.restore(0);
    assertThat(dir.resolve("ballast")).hasSize(Ballast.BYTES_MIN + (5 << 20));
  }

  @Test
  void isNotGivenUpWhereThereIsRoom() throws Exception {
    Path dir = temporary.resolve("repository");
    Repositories.create(dir, RepositoryOptions.defaults());
    try (ChunkStore store = Repositories.openToReclaim(dir)) {
      assertThat(dir.resolve("ballast")).hasSize(Ballast.BYTES_MIN);
      assertThat(store.snapshots()).isEmpty();
    }
  }
}
