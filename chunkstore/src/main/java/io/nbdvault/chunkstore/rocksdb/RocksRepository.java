package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.NoRepositoryException;
import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.RepositoryHead;
import io.nbdvault.chunkstore.RepositoryKeys;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.crypto.UnlockedKeys;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.Unlocking;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.rocksdb.RocksDBException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates and opens repositories that lie in a directory. */
public final class RocksRepository {
  /** Of a store that is only read: nothing begins there. */
  private static final long NO_EPOCH = 0;

  private static final Logger LOG = LoggerFactory.getLogger(RocksRepository.class);

  private RocksRepository() {}

  /** See {@link io.nbdvault.chunkstore.Repositories#create}. */
  public static void create(Path dir, RepositoryOptions options) throws StoreException {
    RepositoryConfig config = newConfig(options, Encryption.NONE);
    RepositoryCreation.create(new RepositoryDirectory(dir), config, Optional.empty());
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#createEncrypted}. */
  public static void createEncrypted(Path dir, RepositoryOptions options, SlotKey key, String label)
      throws StoreException {
    RepositoryConfig config = newConfig(options, Encryption.AES_256_GCM);
    UnlockedKeys keys = UnlockedKeys.create(config.repositoryId(), key, label, config.created());
    RepositoryCreation.create(new RepositoryDirectory(dir), config, Optional.of(keys.file()));
  }

  private static RepositoryConfig newConfig(RepositoryOptions options, Encryption encryption) {
    return new RepositoryConfig(
        SnapshotId.random().hex(),
        RepositoryConfig.FORMAT_VERSION,
        options.chunkSizeBytes(),
        options.compression(),
        encryption,
        Instant.now().truncatedTo(ChronoUnit.SECONDS));
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#open}. */
  public static ChunkStore open(Path dir, Unlocking unlocking) throws StoreException {
    return open(dir, unlocking, false);
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openToReclaim}. */
  public static ChunkStore openToReclaim(Path dir, Unlocking unlocking) throws StoreException {
    return open(dir, unlocking, true);
  }

  private static ChunkStore open(Path dir, Unlocking unlocking, boolean toReclaim)
      throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    // Before anything else: a format that is not known may have another lock. And nobody is to
    // wait for the lock while a person looks for the password.
    ContentUnlocking content = ContentUnlocking.prepare(directory, unlocking);
    RepositoryLock lock = RepositoryLock.acquire(directory);
    Database database = null;
    boolean opened = false;
    Ballast ballast = new Ballast(directory);
    try {
      directory.finishRepair();
      HeadFindings.requireNothingLost(directory);
      if (toReclaim) {
        ballast.giveUp();
      }
      database =
          Database.open(directory.location(), directory.database(), DatabaseAccess.READ_WRITE);
      if (!new ChunkTables(database, directory.database()).settle()) {
        LOG.warn("compaction=off repository={} reason=files-overlap", directory.location());
      }
      RepositoryConfig config = StoredConfig.checkAndUpgrade(database, directory);
      ContentCipher cipher = content.cipher(database, config, true);
      ChunkStore store = openForWriting(config, cipher, directory, lock, ballast, database);
      if (!toReclaim) {
        ballast.restore(database.largestTableBytes(Family.CHUNK));
      }
      opened = true;
      return store;
    } finally {
      if (!opened) {
        if (database != null) {
          database.close();
        }
        lock.close();
      }
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openReadOnly}. */
  public static ChunkStore openReadOnly(Path dir, Unlocking unlocking) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    return openReadOnly(directory, ContentUnlocking.prepare(directory, unlocking));
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#head}. */
  public static Optional<RepositoryHead> head(Path dir) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    String id = directory.readConfig().repositoryId();
    return new HeadFile(directory, id)
        .read()
        .newest()
        .map(slot -> new RepositoryHead(id, slot.commits()));
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#keySlots}. */
  public static List<KeySlot> keySlots(Path dir) throws StoreException {
    return RocksRepositoryKeys.list(dir);
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openKeys}. */
  public static RepositoryKeys openKeys(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepositoryKeys.open(dir, unlocking);
  }

  private static ChunkStore openReadOnly(RepositoryDirectory directory, ContentUnlocking content)
      throws StoreException {
    RepositoryConfig config = directory.readConfig();
    HeadFile.State head = new HeadFile(directory, config.repositoryId()).read();
    Database database = openBesideWriter(directory);
    boolean opened = false;
    try {
      StoredConfig.check(database, config);
      ContentCipher cipher = content.cipher(database, config, false);
      DamagedRows damaged = DamagedRows.read(database);
      ChunkStore store = openForReading(config, cipher, directory, head, database, damaged);
      opened = true;
      return store;
    } finally {
      if (!opened) {
        database.close();
      }
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openDamaged}. */
  public static ChunkStore openDamaged(Path dir, Unlocking unlocking) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    return openDamaged(directory, ContentUnlocking.prepare(directory, unlocking));
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#openLocked}. */
  public static ChunkStore openLocked(Path dir) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    return openDamaged(directory, ContentUnlocking.withoutKey(directory));
  }

  private static ChunkStore openDamaged(RepositoryDirectory directory, ContentUnlocking content)
      throws StoreException {
    try {
      return openReadOnly(directory, content);
    } catch (DamagedException e) {
      // Only then: what looks away from damage also looks away from a writer's changes.
      LOG.warn("repository={} damaged=\"{}\"", directory.location(), e.getMessage());
      return openLookingAway(directory, content);
    }
  }

  private static ChunkStore openLookingAway(RepositoryDirectory directory, ContentUnlocking content)
      throws StoreException {
    RepositoryConfig config = directory.readConfig();
    HeadFile.State head = new HeadFile(directory, config.repositoryId()).read();
    Database database =
        Database.open(
            directory.location(), directory.databaseToRead(), DatabaseAccess.READ_DAMAGED);
    boolean opened = false;
    try {
      ContentCipher cipher = content.cipher(database, config, false);
      DamagedRows damaged = DamagedRows.unknown();
      ChunkStore store = openForReading(config, cipher, directory, head, database, damaged);
      opened = true;
      return store;
    } finally {
      if (!opened) {
        database.close();
      }
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#planRepair}. */
  public static RepairPlan planRepair(Path dir, RepairListener listener) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    try (RepositoryLock lock = lockForRepair(directory)) {
      LOG.debug("repair=plan lock={}", lock);
      return new RepairRun(directory, listener).plan();
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#repair}. */
  public static RepairReport repair(Path dir, RepairListener listener) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    try (RepositoryLock lock = lockForRepair(directory)) {
      LOG.debug("repair=apply lock={}", lock);
      return new RepairRun(directory, listener).repair();
    }
  }

  /** See {@link io.nbdvault.chunkstore.Repositories#acknowledgeLosses}. */
  public static List<String> acknowledgeLosses(Path dir) throws StoreException {
    RepositoryDirectory directory = new RepositoryDirectory(dir);
    try (RepositoryLock lock = lockForRepair(directory)) {
      LOG.debug("repair=acknowledge lock={}", lock);
      return new LossMark(directory).acknowledge();
    }
  }

  private static RepositoryLock lockForRepair(RepositoryDirectory directory) throws StoreException {
    if (!directory.hasConfig() && !Files.isDirectory(directory.databaseToRead())) {
      throw new NoRepositoryException(directory.location());
    }
    RepositoryLock lock = RepositoryLock.acquire(directory);
    boolean done = false;
    try {
      directory.finishRepair();
      done = true;
      return lock;
    } finally {
      if (!done) {
        lock.close();
      }
    }
  }

  private static ChunkStore openForReading(
      RepositoryConfig config,
      ContentCipher cipher,
      RepositoryDirectory directory,
      HeadFile.State head,
      Database database,
      DamagedRows damaged) {
    ContentReader reader = new ContentReader(database, cipher, config.chunkSizeBytes());
    Catalog catalog = new Catalog(database, cipher.snapshots());
    HeadFindings findings = HeadFindings.of(config, head, database);
    return new RocksChunkStore(
        config, directory, database, cipher, reader, catalog, findings, damaged, NO_EPOCH, null);
  }

  /** Begins a new epoch and a lease of ordinals, both durable before anything else is written. */
  private static ChunkStore openForWriting(
      RepositoryConfig config,
      ContentCipher cipher,
      RepositoryDirectory directory,
      RepositoryLock lock,
      Ballast ballast,
      Database database)
      throws StoreException {
    long epoch = Math.addExact(Counter.EPOCH.read(database), 1);
    Commits commits = Commits.begin(database, new HeadFile(directory, config.repositoryId()));
    OrdinalLease ordinals;
    try (RowBatch batch = database.newBatch()) {
      Counter.EPOCH.put(batch, epoch);
      ordinals = OrdinalLease.begin(database, commits, batch);
      commits.commit(batch);
    }
    ContentReader reader = new ContentReader(database, cipher, config.chunkSizeBytes());
    Catalog catalog = new Catalog(database, cipher.snapshots());
    Claims claims = new Claims();
    DamagedRows damaged = DamagedRows.read(database);
    StoreWriter writer = new StoreWriter(database, catalog, claims, commits, ordinals, damaged);
    Intake intake = new Intake(reader, cipher, writer, claims, config.chunkSizeBytes());
    writer.beginEpoch(epoch);
    writer.start();
    RocksChunkStore.Writing writing =
        new RocksChunkStore.Writing(lock, ballast, writer, claims, intake);
    return new RocksChunkStore(
        config,
        directory,
        database,
        cipher,
        reader,
        catalog,
        HeadFindings.NONE,
        damaged,
        epoch,
        writing);
  }

  /**
   * Opens the database while a writer may take away files that its list of files still named a
   * moment ago. Once it is open it holds all of them, so it is only opening that must be repeated.
   */
  static Database openBesideWriter(RepositoryDirectory directory) throws StoreException {
    for (int attempt = 1; ; attempt++) {
      try {
        return Database.open(
            directory.location(), directory.databaseToRead(), DatabaseAccess.READ_ONLY);
      } catch (StoreException e) {
        if (attempt == StoreLimits.READ_ONLY_OPEN_ATTEMPTS || !isFileGone(e)) {
          throw e;
        }
        pause();
      }
    }
  }

  private static boolean isFileGone(StoreException e) {
    return e.getCause() instanceof RocksDBException cause
        && RocksText.isFileGone(cause.getMessage());
  }

  private static void pause() throws StoreException {
    try {
      Thread.sleep(StoreLimits.READ_ONLY_OPEN_PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while opening the repository.", e);
    }
  }
}
