package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupOptions;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiffVisitor;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.chunkstore.VerifyListener;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.format.TreeNode;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A repository that is open, for writing too or for reading only. What may run at once, and why
 * nothing is reclaimed that somebody needs, is decided in {@link Gate}.
 */
final class RocksChunkStore implements ChunkStore {
  /**
   * What only a store that is open for writing has.
   *
   * @param lock keeps the repository for this process
   * @param ballast is made again when the store is closed
   * @param writer the thread that writes
   * @param claims what is on its way into the store, or out of it
   * @param intake what feeds the writer
   */
  record Writing(
      RepositoryLock lock, Ballast ballast, StoreWriter writer, Claims claims, Intake intake) {}

  private static final Logger LOG = LoggerFactory.getLogger(RocksChunkStore.class);

  private final RepositoryDirectory directory;
  private final RepositoryConfig config;
  private final Database database;
  private final ContentCipher cipher;
  private final ContentReader reader;
  private final Catalog catalog;
  private final HeadFindings head;
  private final DamagedRows damaged;
  private final @Nullable Writing writing;
  private final Gate gate;
  private final byte[] zeros;
  private final Jobs jobs = new Jobs();
  private final AtomicBoolean collecting = new AtomicBoolean();

  /**
   * Makes the store.
   *
   * @param head what is known to be lost
   * @param damaged what is known to be damaged
   * @param epoch the store's logical time when it was opened
   * @param writing null for a store that is only read
   */
  RocksChunkStore(
      RepositoryConfig config,
      RepositoryDirectory directory,
      Database database,
      ContentCipher cipher,
      ContentReader reader,
      Catalog catalog,
      HeadFindings head,
      DamagedRows damaged,
      long epoch,
      @Nullable Writing writing) {
    this.config = config;
    this.directory = directory;
    this.database = database;
    this.cipher = cipher;
    this.reader = reader;
    this.catalog = catalog;
    this.head = head;
    this.damaged = damaged;
    this.writing = writing;
    this.gate = new Gate(database, catalog, writing == null ? null : writing.writer(), epoch);
    this.zeros = new byte[config.chunkSizeBytes()];
  }

  @Override
  public RepositoryConfig config() {
    return config;
  }

  @Override
  public List<SnapshotRecord> snapshots() throws StoreException {
    return catalog.list().stream().filter(CatalogEntry::isKept).map(CatalogEntry::record).toList();
  }

  @Override
  public Optional<SnapshotRecord> snapshot(SnapshotId id) throws StoreException {
    return catalog.find(id).filter(CatalogEntry::isKept).map(CatalogEntry::record);
  }

  @Override
  public List<CatalogEntry> catalog() throws StoreException {
    return catalog.list();
  }

  @Override
  public List<DamagedItem> damagedSnapshots() throws StoreException {
    List<DamagedItem> damaged = new ArrayList<>(catalog.read().damaged());
    head.lost().ifPresent(damaged::add);
    new LossMark(directory).damage().ifPresent(damaged::add);
    return damaged;
  }

  @Override
  public VerifyReport verify(VerifyOptions options, VerifyListener listener) throws StoreException {
    VerifyRun run =
        new VerifyRun(
            database,
            directory,
            reader,
            catalog,
            head,
            this::open,
            config.chunkSizeBytes(),
            options,
            listener);
    VerifyReport report = jobs.run(run::run);
    if (writing == null) {
      return report;
    }
    try {
      return report.withFlagged(flagDamaged(report));
    } catch (StoreException e) {
      // What was found must not be lost because it could not be written down.
      LOG.warn("flagged=no reason={}", e.getMessage(), e);
      return report;
    }
  }

  @Override
  public long flagDamaged(Collection<DamagedContent> contents) throws StoreException {
    return flags().flag(contents);
  }

  @Override
  public long flagDamaged(VerifyReport report) throws StoreException {
    DamageFlags flags = flags();
    return flags.flag(report.contents()) + flags.flag(report.unlisted().ordinals());
  }

  private DamageFlags flags() {
    Writing open = requireWriting();
    return new DamageFlags(
        database,
        reader,
        open.claims(),
        open.writer(),
        damaged,
        new Quarantine(directory),
        // In this order: a collection under way may not know of what a session has just committed.
        () -> gate.hasSessions() || collecting.get());
  }

  @Override
  public boolean knowsDamage() {
    return !damaged.isEmpty();
  }

  @Override
  public List<DamagedContent> findDamage(SnapshotId id, String disk) throws StoreException {
    try (SnapshotReader snapshot = open(id)) {
      DiskRecord record =
          snapshot
              .record()
              .disk(disk)
              .orElseThrow(
                  () -> new IllegalArgumentException("disk: " + disk + " (not in " + id + ")"));
      return jobs.run(() -> DiskDamage.find(record, config.chunkSizeBytes(), reader, damaged));
    }
  }

  @Override
  public void forget(Set<SnapshotId> ids) throws StoreException {
    gate.changeStates(ids, StateChanges.forget(Instant.now().truncatedTo(ChronoUnit.SECONDS)));
  }

  @Override
  public void undelete(SnapshotId id) throws StoreException {
    gate.changeStates(Set.of(id), StateChanges.undelete());
  }

  @Override
  public void setProtected(SnapshotId id, boolean isProtected) throws StoreException {
    gate.changeStates(Set.of(id), StateChanges.setProtected(isProtected));
  }

  @Override
  public CollectReport collect(CollectOptions options, CollectListener listener)
      throws StoreException {
    if (options.dryRun()) {
      // What it would show is not what would happen.
      new LossMark(directory).requireNone();
      return jobs.run(new CollectionPreview(database, reader, gate, listener)::look);
    }
    Writing writable = requireWriting();
    if (!collecting.compareAndSet(false, true)) {
      throw new StoreFailedException("A collection is under way already.", null);
    }
    Collector collector =
        new Collector(
            database,
            directory,
            reader,
            catalog,
            gate,
            writable.claims(),
            writable.writer(),
            damaged,
            options,
            listener);
    try {
      return jobs.run(collector::collect);
    } finally {
      collecting.set(false);
    }
  }

  @Override
  public BackupSession beginBackup(Set<SnapshotId> parents, BackupOptions options)
      throws StoreException {
    Writing writable = requireWriting();
    ChunkCodec codec = ChunkCodec.of(options.compression());
    return gate.beginSession(
        parents,
        (parentRecords, epoch) ->
            new RocksBackupSession(
                parentRecords,
                codec,
                options.verifyWrites(),
                zeros,
                epoch,
                cipher,
                reader,
                writable.intake(),
                writable.writer(),
                gate::end));
  }

  @Override
  public SnapshotReader open(SnapshotId id) throws StoreException {
    return gate.openReader(
        id, record -> new RocksSnapshotReader(record, reader, config.chunkSizeBytes(), gate::end));
  }

  @Override
  public void diff(SnapshotId from, SnapshotId to, DiffVisitor visitor) throws IOException {
    SnapshotDiff diff = new SnapshotDiff(this::readToCompare, config.chunkSizeBytes());
    try (SnapshotReader before = open(from);
        SnapshotReader after = open(to)) {
      boolean unused =
          jobs.<Boolean, IOException>run(
              () -> {
                diff.show(before.record(), after.record(), visitor);
                return true;
              });
    }
  }

  /** However much is equal, or differs as one range: an interrupt is noticed at the next node. */
  private TreeNode readToCompare(ChunkId id) throws StoreException {
    Interruption.check("comparing");
    return reader.read(id);
  }

  @Override
  public StoreStatistics statistics(StatisticsListener listener) throws StoreException {
    try (PinnedSnapshots pinned = PinnedSnapshots.all(this)) {
      StatisticsJob job =
          new StatisticsJob(
              reader,
              new IndexScan(database),
              config.chunkSizeBytes(),
              StoreLimits.statisticsChunks(),
              listener);
      return jobs.run(() -> job.run(pinned.records()));
    }
  }

  @Override
  public void close() {
    Optional<Gate.Open> open = gate.close();
    if (open.isEmpty()) {
      return;
    }
    database.cancelCompactions();
    if (!jobs.stop(StoreLimits.CLOSE_JOBS_MAX)) {
      // Still no crash: the database lets no call in from here on, and waits for those inside.
      LOG.warn("close=early reason=jobs-do-not-end");
    }
    open.get().sessions().forEach(RocksBackupSession::close);
    open.get().readers().forEach(RocksSnapshotReader::close);
    if (writing != null) {
      writing.writer().stop();
    }
    long largestTableBytes = writing == null ? 0 : database.largestTableBytes(Family.CHUNK);
    database.close();
    if (writing != null) {
      writing.ballast().restore(largestTableBytes);
      writing.lock().close();
    }
  }

  private Writing requireWriting() {
    if (writing == null) {
      throw new IllegalStateException("the store was opened for reading only");
    }
    return writing;
  }
}
