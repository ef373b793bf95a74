package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.NoSuchSnapshotException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The one lock that everything passes which reclamation must know of: sessions and readers as they
 * begin and end, what is decided about snapshots, and the beginning of a collection.
 *
 * <p>A session or reader is registered in one step with finding the snapshots that it relies on,
 * and a collection begins in one step in which it takes a new epoch, the least epoch of the running
 * sessions and the list of what must be kept. So for every collection a session is either running
 * when it begins, and then the cutoff is not above the session's epoch and its parents are roots;
 * or it begins later, and then its epoch is not below the cutoff and its parents were roots or are
 * newer. Either way whatever it relies on is marked or is not below the cutoff.
 *
 * <p>Lock order: this lock, then what the writer's thread takes. It is never held while a session
 * or reader is closed.
 */
final class Gate {
  /** Makes a session once its parents are found. */
  @FunctionalInterface
  interface SessionFactory {
    RocksBackupSession create(List<SnapshotRecord> parents, long epoch);
  }

  /** Makes a reader once its snapshot is found. */
  @FunctionalInterface
  interface ReaderFactory {
    RocksSnapshotReader create(SnapshotRecord record);
  }

  /** Decides what a snapshot's state becomes. */
  @FunctionalInterface
  interface StateChange {
    SnapshotState of(SnapshotId id, SnapshotState state) throws StoreException;
  }

  /**
   * What a collection keeps, as it was in one instant.
   *
   * @param cutoff rows of this epoch or later are kept
   * @param endOrdinal records from this one on are kept
   * @param roots snapshots of which everything is kept
   * @param condemned forgotten snapshots that are to go
   */
  record Start(
      long cutoff, long endOrdinal, List<SnapshotRecord> roots, List<SnapshotId> condemned) {}

  /**
   * What was under way when the gate was closed.
   *
   * @param sessions that were running
   * @param readers that were open
   */
  record Open(List<RocksBackupSession> sessions, List<RocksSnapshotReader> readers) {}

  private static final long NOTHING_SWEPT = 1;

  private final Database database;
  private final Catalog catalog;
  private final @Nullable StoreWriter writer;
  private final Object lock = new Object();
  private final Set<RocksBackupSession> sessions = new HashSet<>();
  private final Set<RocksSnapshotReader> readers = new HashSet<>();

  /** Snapshots that a collection that is under way may take apart. */
  private final Set<SnapshotId> condemnedNow = new HashSet<>();

  /** The store's logical time. */
  private long epoch;

  private boolean closed;

  /**
   * Makes the gate of a store.
   *
   * @param writer null if the store is only read
   * @param epoch of the store when it was opened
   */
  Gate(Database database, Catalog catalog, @Nullable StoreWriter writer, long epoch) {
    this.database = database;
    this.catalog = catalog;
    this.writer = writer;
    this.epoch = epoch;
  }

  RocksBackupSession beginSession(Set<SnapshotId> parents, SessionFactory factory)
      throws StoreException {
    synchronized (lock) {
      requireOpen();
      List<SnapshotRecord> records = new ArrayList<>();
      for (SnapshotId parent : parents) {
        records.add(requireKept(parent));
      }
      RocksBackupSession session = factory.create(records, epoch);
      sessions.add(session);
      return session;
    }
  }

  /** Whether sessions are running, of which a collection does not know what they have put. */
  boolean hasSessions() {
    synchronized (lock) {
      return !sessions.isEmpty();
    }
  }

  RocksSnapshotReader openReader(SnapshotId id, ReaderFactory factory) throws StoreException {
    synchronized (lock) {
      requireOpen();
      RocksSnapshotReader reader = factory.create(requireKept(id));
      readers.add(reader);
      return reader;
    }
  }

  void end(RocksBackupSession session) {
    synchronized (lock) {
      sessions.remove(session);
    }
  }

  void end(RocksSnapshotReader reader) {
    synchronized (lock) {
      readers.remove(reader);
    }
  }

  /** Changes all of the states or none, durably. */
  void changeStates(Set<SnapshotId> ids, StateChange change) throws StoreException {
    synchronized (lock) {
      requireOpen();
      Map<SnapshotId, SnapshotState> changed = new HashMap<>();
      for (SnapshotId id : ids) {
        CatalogEntry entry = catalog.find(id).orElseThrow(() -> new NoSuchSnapshotException(id));
        if (condemnedNow.contains(id)) {
          throw new NoSuchSnapshotException(id);
        }
        SnapshotState state = change.of(id, entry.state());
        if (!state.equals(entry.state())) {
          changed.put(id, state);
        }
      }
      if (!changed.isEmpty()) {
        StoreWriter toAsk = requireWriter();
        toAsk.run(() -> writeStates(toAsk, changed));
      }
    }
  }

  /**
   * Begins a collection. From now on, and until {@link #endCollection}, no snapshot that it
   * condemns can be brought back.
   */
  Start beginCollection() throws StoreException {
    synchronized (lock) {
      requireOpen();
      Catalog.Listing listing = catalog.read();
      requireWhole(listing);
      long next = Math.addExact(epoch, 1);
      long[] endOrdinal = new long[1];
      StoreWriter toAsk = requireWriter();
      toAsk.run(
          () -> {
            writeEpoch(toAsk, next);
            toAsk.beginEpoch(next);
            endOrdinal[0] = toAsk.nextOrdinal();
          });
      epoch = next;
      Start start = start(listing, next, endOrdinal[0]);
      condemnedNow.addAll(start.condemned());
      return start;
    }
  }

  /**
   * What a collection would begin with. Nothing is condemned, and no epoch begins. In a store that
   * is open for reading only, content of the newest epoch is kept: another process may be at it.
   */
  Start previewCollection() throws StoreException {
    synchronized (lock) {
      requireOpen();
      Catalog.Listing listing = catalog.read();
      requireWhole(listing);
      long cutoff = writer == null ? Counter.EPOCH.read(database) : Math.addExact(epoch, 1);
      return start(listing, cutoff, NOTHING_SWEPT);
    }
  }

  private Start start(Catalog.Listing listing, long newEpoch, long endOrdinal) {
    long cutoff =
        sessions.stream().mapToLong(RocksBackupSession::epoch).reduce(newEpoch, Math::min);
    List<SnapshotRecord> roots = new ArrayList<>();
    sessions.forEach(session -> roots.addAll(session.parents()));
    readers.forEach(reader -> roots.add(reader.record()));
    Set<SnapshotId> pinned = new HashSet<>();
    roots.forEach(record -> pinned.add(record.id()));
    List<SnapshotId> condemned = new ArrayList<>();
    for (CatalogEntry entry : listing.entries()) {
      SnapshotId id = entry.record().id();
      if (entry.isKept()) {
        roots.add(entry.record());
      } else if (!pinned.contains(id)) {
        condemned.add(id);
      }
    }
    return new Start(cutoff, endOrdinal, roots, condemned);
  }

  /** Ends a collection that deletes nothing any more, whether it came to its end or not. */
  void endCollection() {
    synchronized (lock) {
      condemnedNow.clear();
    }
  }

  /**
   * Closes the gate: nothing begins any more.
   *
   * @return what is to be closed now; empty if the gate was closed before
   */
  Optional<Open> close() {
    synchronized (lock) {
      if (closed) {
        return Optional.empty();
      }
      closed = true;
      return Optional.of(new Open(List.copyOf(sessions), List.copyOf(readers)));
    }
  }

  /** What a row that cannot be read needs is not known, so nothing may be deleted. */
  private static void requireWhole(Catalog.Listing listing) throws DamagedException {
    if (!listing.damaged().isEmpty()) {
      DamagedItem row = listing.damaged().get(0);
      throw new DamagedException(row.what(), OptionalLong.empty(), row.reason(), null);
    }
  }

  private SnapshotRecord requireKept(SnapshotId id) throws StoreException {
    return catalog
        .find(id)
        .filter(CatalogEntry::isKept)
        .map(CatalogEntry::record)
        // Many may be open at once.
        .map(SnapshotRecord::withoutVmConfiguration)
        .orElseThrow(() -> new NoSuchSnapshotException(id));
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the store is closed");
    }
  }

  private StoreWriter requireWriter() {
    if (writer == null) {
      throw new IllegalStateException("the store was opened for reading only");
    }
    return writer;
  }

  private void writeEpoch(StoreWriter toAsk, long next) throws StoreException {
    try (RowBatch batch = database.newBatch()) {
      Counter.EPOCH.put(batch, next);
      toAsk.commit(batch);
    }
  }

  private void writeStates(StoreWriter toAsk, Map<SnapshotId, SnapshotState> states)
      throws StoreException {
    try (RowBatch batch = database.newBatch()) {
      for (Map.Entry<SnapshotId, SnapshotState> state : states.entrySet()) {
        catalog.put(batch, state.getKey(), state.getValue());
      }
      toAsk.commit(batch);
    }
  }
}
