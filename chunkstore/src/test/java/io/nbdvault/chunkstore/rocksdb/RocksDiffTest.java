package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.ChunkStoreDiffContract;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class RocksDiffTest extends ChunkStoreDiffContract {
  @TempDir private Path temporary;

  @Override
  protected ChunkStore open() throws StoreException {
    Path dir = temporary.resolve("repository");
    if (!Files.exists(dir)) {
      Repositories.create(dir, RepositoryOptions.defaults());
    }
    return Repositories.open(dir);
  }
}
