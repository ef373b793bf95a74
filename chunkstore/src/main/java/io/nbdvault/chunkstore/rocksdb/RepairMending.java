package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.CollectionRow;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.SnapshotFrame;
import io.nbdvault.chunkstore.format.SnapshotStateRow;
import java.io.IOException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Takes rows that cannot be read out of the database that is being repaired, into quarantine. What
 * follows from other rows or files is made again from them.
 */
final class RepairMending {
  private final RepositoryDirectory directory;
  private final Database database;
  private final RepairWriter writer;
  private final RepairLosses losses;

  RepairMending(
      RepositoryDirectory directory, Database database, RepairWriter writer, RepairLosses losses) {
    this.directory = directory;
    this.database = database;
    this.writer = writer;
    this.losses = losses;
  }

  /** Mends family {@code default}, but for the counters' values. */
  void mendOthers(RepositoryConfig config) throws StoreException {
    for (Counter counter : Counter.values()) {
      byte[] row = database.get(Family.DEFAULT, counter.keyBytes());
      if (row != null && !isReadable(() -> counter.decode(row))) {
        takeOut(Family.DEFAULT, counter.keyBytes(), row);
      }
    }
    byte[] collection = database.get(Family.DEFAULT, Collector.key());
    if (collection != null && !isReadable(() -> CollectionRow.decode(collection))) {
      takeOut(Family.DEFAULT, Collector.key(), collection);
    }
    byte[] copy = database.get(Family.DEFAULT, StoredConfig.key());
    if (copy != null && !isReadable(() -> ConfigFile.decode(copy))) {
      takeOut(Family.DEFAULT, StoredConfig.key(), copy);
    }
    mendKeys(config);
    writer.write();
  }

  private void mendKeys(RepositoryConfig config) throws StoreException {
    byte[] row = database.get(Family.DEFAULT, StoredKeys.key());
    byte[] file = readKeysFile();
    if (file != null && isOf(config, file) && (row == null || !isOf(config, row))) {
      if (row != null) {
        writer.quarantine(Family.DEFAULT, StoredKeys.key(), row);
      }
      writer.put(Family.DEFAULT, StoredKeys.key(), file);
    }
  }

  private byte @Nullable [] readKeysFile() throws StoreException {
    try {
      return directory.readKeys();
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading its keys", e);
    }
  }

  private static boolean isOf(RepositoryConfig config, byte[] keys) {
    try {
      return KeysFile.decode(keys).repositoryId().equals(config.repositoryId());
    } catch (MalformedRecordException e) {
      return false;
    }
  }

  /** Takes the records of snapshots out that cannot be read, and tells which. */
  void mendCatalog() throws StoreException {
    RepairScan.forEach(
        database,
        Family.CATALOG,
        (key, row) -> {
          if (key.length != SnapshotStateRow.KEY_BYTES) {
            mendSnapshot(key, row);
          }
        });
    writer.write();
  }

  private void mendSnapshot(byte[] key, byte[] row) throws StoreException {
    try {
      SnapshotFrame.check(key, row);
    } catch (MalformedRecordException e) {
      takeOut(Family.CATALOG, key, row);
      if (key.length != SnapshotId.BYTES) {
        return;
      }
      SnapshotId id = new SnapshotId(HexFormat.of().formatHex(key));
      byte[] stateKey = SnapshotStateRow.key(id);
      byte[] stateRow = database.get(Family.CATALOG, stateKey);
      SnapshotState state = stateRow == null ? null : RepairStates.decode(stateKey, stateRow);
      if (stateRow != null) {
        takeOut(Family.CATALOG, stateKey, stateRow);
      }
      if (state == null || !state.condemned()) {
        losses.snapshot(id, "" + e.getMessage());
      }
    }
  }

  /** Takes rows of the index out that cannot be read. Those that are needed are made again. */
  void mendIndex() throws StoreException {
    RepairScan.forEach(
        database,
        Family.INDEX,
        (key, row) -> {
          try {
            IndexKey.decode(key);
            IndexRow.decode(row);
          } catch (MalformedRecordException e) {
            takeOut(Family.INDEX, key, row);
          }
        });
    writer.write();
  }

  private void takeOut(Family family, byte[] key, byte[] row) throws StoreException {
    writer.quarantine(family, key, row);
    writer.delete(family, key);
  }

  /** Reads a row. */
  @FunctionalInterface
  private interface Decoding {
    Object decode() throws MalformedRecordException;
  }

  private static boolean isReadable(Decoding decoding) {
    try {
      return decoding.decode() != null;
    } catch (MalformedRecordException e) {
      return false;
    }
  }
}
