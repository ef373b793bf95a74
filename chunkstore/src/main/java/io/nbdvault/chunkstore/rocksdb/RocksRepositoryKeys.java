package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.crypto.UnlockedKeys;
import io.nbdvault.chunkstore.format.SlotRecord;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** The keys of a repository in a directory. */
final class RocksRepositoryKeys implements RepositoryKeys {
  private final RepositoryLock lock;
  private final Database database;
  private final StoredKeys stored;
  private UnlockedKeys keys;

  private RocksRepositoryKeys(
      RepositoryLock lock, Database database, StoredKeys stored, UnlockedKeys keys) {
    this.lock = lock;
    this.database = database;
    this.stored = stored;
    this.keys = keys;
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#keySlots}. */
  static List<KeySlot> list(Path dir) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    requireEncrypted(directory);
    try (Database database = RocksRepository.openBesideWriter(directory)) {
      return slots(new StoredKeys(directory, database, directory.readConfig()).read().slots());
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openKeys}. */
  static RepositoryKeys open(Path dir, Unlocking unlocking) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    requireEncrypted(directory);
    ContentUnlocking content = ContentUnlocking.prepare(directory, unlocking);
    RepositoryLock lock = RepositoryLock.acquire(directory);
    Database database = null;
    boolean opened = false;
    try {
      directory.finishRepair();
      HeadFindings.requireNothingLost(directory);
      database =
          Database.open(directory.location(), directory.database(), DatabaseAccess.READ_WRITE);
      RepositoryConfig config = StoredConfig.checkAndUpgrade(database, directory);
      StoredKeys stored = new StoredKeys(directory, database, config);
      UnlockedKeys keys = content.unlock(stored);
      stored.heal(keys.file());
      opened = true;
      return new RocksRepositoryKeys(lock, database, stored, keys);
    } finally {
      if (!opened) {
        if (database != null) {
          database.close();
        }
        lock.close();
      }
    }
  }

  @Override
  public List<KeySlot> slots() {
    return slots(keys.file().slots());
  }

  @Override
  public KeySlot unlockedBy() {
    return slot(keys.unlockedBy());
  }

  @Override
  public int keyEpoch() {
    return keys.newestEpoch();
  }

  @Override
  public KeySlot add(SlotKey key, String label) throws StoreException {
    List<KeySlot> before = slots();
    store(keys.withSlot(key, label, Instant.now()));
    return slots().stream().filter(slot -> !before.contains(slot)).findAny().orElseThrow();
  }

  @Override
  public void remove(int number) throws StoreException {
    store(keys.withoutSlot(number));
  }

  @Override
  public KeySlot change(int number, SlotKey key) throws StoreException {
    store(keys.withKeyOfSlot(number, key, Instant.now()));
    return slot(number);
  }

  @Override
  public void rotate() throws StoreException {
    store(keys.withNewEpoch());
  }

  @Override
  public void close() {
    database.close();
    lock.close();
  }

  private void store(UnlockedKeys next) throws StoreException {
    stored.write(next.file());
    keys = next;
  }

  private KeySlot slot(int number) {
    return slots().stream().filter(slot -> slot.number() == number).findAny().orElseThrow();
  }

  private static List<KeySlot> slots(List<SlotRecord> records) {
    return records.stream().map(SlotRecord::slot).toList();
  }

  private static void requireEncrypted(RepositoryDirectory directory) throws StoreException {
    if (directory.readConfig().encryption() == Encryption.NONE) {
      throw new StoreFailedException(
          "The repository "
              + directory.location()
              + " is not encrypted: it has no keys. Only a new repository can be (init --encrypt).",
          null);
    }
  }
}
