package io.nbdvault.chunkstore.rocksdb;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.ProtectedSnapshotException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A repository that is open, for writing too or for reading only.
 *
 * <p>Sessions and readers are registered under {@link #gate}, in one step with finding the snapshot
 * that they rely on: what is registered here is what reclamation will have to keep. The gate is
 * held only for that, never while a session or reader is closed.
 */
final class RocksChunkStore implements ChunkStore {
  /**
   * What only a store that is open for writing has.
   *
   * @param lock keeps the repository for this process
   * @param writer the thread that writes
   * @param intake what feeds it
   */
  record Writing(RepositoryLock lock, StoreWriter writer, Intake intake) {}

  /** Decides what a snapshot's state becomes. */
  @FunctionalInterface
  private interface StateChange {
    SnapshotState of(SnapshotId id, SnapshotState state) throws StoreException;
  }

  private final RepositoryConfig config;
  private final Database database;
  private final ContentCipher cipher;
  private final ContentReader reader;
  private final Catalog catalog;
  private final @Nullable Writing writing;
  private final byte[] zeros;
  private final Object gate = new Object();

  @GuardedBy("gate")
  private final Set<RocksBackupSession> sessions = new HashSet<>();

  @GuardedBy("gate")
  private final Set<RocksSnapshotReader> readers = new HashSet<>();

  /** The store's logical time. */
  @GuardedBy("gate")
  private final long epoch;

  @GuardedBy("gate")
  private boolean closed;

  RocksChunkStore(
      RepositoryConfig config,
      Database database,
      ContentCipher cipher,
      ContentReader reader,
      Catalog catalog,
      long epoch,
      @Nullable Writing writing) {
    this.config = config;
    this.database = database;
    this.cipher = cipher;
    this.epoch = epoch;
    this.reader = reader;
    this.catalog = catalog;
    this.writing = writing;
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
  public void forget(Set<SnapshotId> ids) throws StoreException {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    changeStates(
        ids,
        (id, state) -> {
          if (state.isProtected()) {
            throw new ProtectedSnapshotException(id);
          }
          return state.forgotten().isPresent()
              ? state
              : new SnapshotState(false, Optional.of(now), false);
        });
  }

  @Override
  public void undelete(SnapshotId id) throws StoreException {
    changeStates(
        Set.of(id),
        (same, state) -> {
          if (state.condemned()) {
            throw new NoSuchSnapshotException(id);
          }
          return state.forgotten().isPresent() ? SnapshotState.KEPT : state;
        });
  }

  @Override
  public void setProtected(SnapshotId id, boolean isProtected) throws StoreException {
    changeStates(
        Set.of(id),
        (same, state) -> {
          if (state.forgotten().isPresent()) {
            throw new NoSuchSnapshotException(id);
          }
          return new SnapshotState(isProtected, Optional.empty(), false);
        });
  }

  /** Changes all of the states or none, under the gate, durably. */
  private void changeStates(Set<SnapshotId> ids, StateChange change) throws StoreException {
    Writing writable = requireWriting();
    synchronized (gate) {
      requireOpen();
      Map<SnapshotId, SnapshotState> changed = new HashMap<>();
      for (SnapshotId id : ids) {
        CatalogEntry entry = catalog.find(id).orElseThrow(() -> new NoSuchSnapshotException(id));
        SnapshotState state = change.of(id, entry.state());
        if (!state.equals(entry.state())) {
          changed.put(id, state);
        }
      }
      if (!changed.isEmpty()) {
        writable.writer().run(() -> writeStates(changed));
      }
    }
  }

  private void writeStates(Map<SnapshotId, SnapshotState> states) throws StoreException {
    try (Database.Batch batch = database.newBatch()) {
      for (Map.Entry<SnapshotId, SnapshotState> state : states.entrySet()) {
        catalog.put(batch, state.getKey(), state.getValue());
      }
      database.write(batch);
    }
    database.flush();
  }

  @Override
  public BackupSession beginBackup(Set<SnapshotId> parents, Compression compression)
      throws StoreException {
    Writing writable = requireWriting();
    ChunkCodec codec = ChunkCodec.of(compression);
    synchronized (gate) {
      requireOpen();
      List<SnapshotRecord> parentRecords = new ArrayList<>();
      for (SnapshotId parent : parents) {
        parentRecords.add(require(parent));
      }
      RocksBackupSession session =
          new RocksBackupSession(
              parentRecords,
              codec,
              zeros,
              epoch,
              cipher,
              reader,
              writable.intake(),
              writable.writer(),
              this::unregister);
      sessions.add(session);
      return session;
    }
  }

  @Override
  public SnapshotReader open(SnapshotId id) throws StoreException {
    synchronized (gate) {
      requireOpen();
      RocksSnapshotReader opened =
          new RocksSnapshotReader(require(id), reader, config.chunkSizeBytes(), this::unregister);
      readers.add(opened);
      return opened;
    }
  }

  @Override
  public void close() {
    List<RocksBackupSession> openSessions;
    List<RocksSnapshotReader> openReaders;
    synchronized (gate) {
      if (closed) {
        return;
      }
      closed = true;
      openSessions = new ArrayList<>(sessions);
      openReaders = new ArrayList<>(readers);
    }
    openSessions.forEach(RocksBackupSession::close);
    openReaders.forEach(RocksSnapshotReader::close);
    if (writing != null) {
      writing.writer().stop();
    }
    database.close();
    if (writing != null) {
      writing.lock().close();
    }
  }

  private SnapshotRecord require(SnapshotId id) throws StoreException {
    return snapshot(id).orElseThrow(() -> new NoSuchSnapshotException(id));
  }

  private Writing requireWriting() {
    if (writing == null) {
      throw new IllegalStateException("the store was opened for reading only");
    }
    return writing;
  }

  @GuardedBy("gate")
  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the store is closed");
    }
  }

  private void unregister(RocksBackupSession session) {
    synchronized (gate) {
      sessions.remove(session);
    }
  }

  private void unregister(RocksSnapshotReader closedReader) {
    synchronized (gate) {
      readers.remove(closedReader);
    }
  }
}
