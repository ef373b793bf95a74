package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import java.nio.file.Path;

/**
 * The index of a repository that nobody else has open, to be looked up in. In the store's package,
 * since the store looks up only on its way to something else.
 */
public final class OpenIndex implements AutoCloseable {
  private final Database database;
  private final ContentReader reader;

  private OpenIndex(Database database) {
    this.database = database;
    // Nothing is read but the index, so no chunk is ever this long.
    this.reader = new ContentReader(database, new PlainContent(), 1);
  }

  /** Opens the index of a repository that is not encrypted. */
  public static OpenIndex of(Path repository) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(repository);
    return new OpenIndex(
        Database.open(directory.location(), directory.database(), DatabaseAccess.READ_WRITE));
  }

  /** Looks up a chunk, as a backup does before it stores one. */
  public boolean contains(ChunkId id) throws StoreException {
    return reader.lookUp(new IndexKey(RecordType.CHUNK, id)) != null;
  }

  @Override
  public void close() {
    database.close();
  }
}
