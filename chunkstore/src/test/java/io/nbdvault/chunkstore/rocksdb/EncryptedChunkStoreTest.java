package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.ChunkStoreContract;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class EncryptedChunkStoreTest extends ChunkStoreContract {
  private static final KeyFile KEY = KeyFile.of(new byte[32]);

  @TempDir private Path temporary;

  @Override
  protected ChunkStore open() throws StoreException {
    Path dir = temporary.resolve("repository");
    if (!Files.exists(dir)) {
      Repositories.createEncrypted(dir, RepositoryOptions.defaults(), KEY, "");
    }
    return Repositories.open(dir, Unlocking.with(KEY));
  }
}
