package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** Rows that are written together or not at all. */
final class RowBatch implements AutoCloseable {
  private final Database database;
  private final WriteBatch batch;

  /**
   * @param expectedBytes about how much it will hold, so that it need not grow; 0 if little
   */
  RowBatch(Database database, int expectedBytes) {
    this.database = database;
    this.batch = new WriteBatch(expectedBytes);
  }

  void put(Family family, byte[] key, byte[] value) throws StoreException {
    database.enter();
    try {
      batch.put(database.handle(family), key, value);
    } catch (RocksDBException e) {
      throw StoreErrors.of(database.location(), "collecting rows", e);
    } finally {
      database.exit();
    }
  }

  void delete(Family family, byte[] key) throws StoreException {
    database.enter();
    try {
      batch.delete(database.handle(family), key);
    } catch (RocksDBException e) {
      throw StoreErrors.of(database.location(), "collecting rows", e);
    } finally {
      database.exit();
    }
  }

  /** Deletes the rows from a key up to, and without, another. */
  void deleteRange(Family family, byte[] first, byte[] end) throws StoreException {
    database.enter();
    try {
      batch.deleteRange(database.handle(family), first, end);
    } catch (RocksDBException e) {
      throw StoreErrors.of(database.location(), "collecting rows", e);
    } finally {
      database.exit();
    }
  }

  /** What is written; for its database. */
  WriteBatch batch() {
    return batch;
  }

  @Override
  public void close() {
    batch.close();
  }
}
