package io.nbdvault.engine.serve;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryHead;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/** Opens a repository for reading, again and again. */
public interface StoreSource {
  /** Opens it as it is now. The caller closes it. */
  ChunkStore open() throws StoreException;

  /**
   * A number that grows whenever something is committed; empty if that cannot be told. Costs next
   * to nothing.
   */
  OptionalLong commits() throws StoreException;

  /** A repository in a directory of this machine. */
  static StoreSource of(Path repository, Unlocking unlocking) {
    return new StoreSource() {
      @Override
      public ChunkStore open() throws StoreException {
        return Repositories.openReadOnly(repository, unlocking);
      }

      @Override
      public OptionalLong commits() throws StoreException {
        Optional<RepositoryHead> head = Repositories.head(repository);
        return head.isPresent() ? OptionalLong.of(head.get().commits()) : OptionalLong.empty();
      }
    };
  }
}
