package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFullException;
import io.nbdvault.chunkstore.format.CollectionRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One collection: reclaims what no snapshot, session or reader needs, beside backups and restores.
 *
 * <ol>
 *   <li>Under the {@link Gate}: a new epoch, the cutoff, the roots, and which snapshots go.
 *   <li>{@link Marker}: everything that the roots reach. Ends here if a node cannot be read.
 *   <li>Durably, in one flush: the snapshots are condemned, and the cutoff and the marks are kept.
 *       Killed before, nothing has happened; killed later, the next collection finishes this sweep.
 *   <li>{@link Sweep}: rows of the index; durable before the next step.
 *   <li>{@link Reclaimer}: the records, and the space.
 *   <li>The condemned snapshots' records go.
 * </ol>
 *
 * <p>Why a row below the cutoff that is not marked is needed by nobody: see {@link Gate}. Why that
 * stays true while the sweep is under way, or is finished by another process: whoever comes to rely
 * on content later gives its row its own epoch first, and that is not below the cutoff.
 */
final class Collector {
  private static final Logger LOG = LoggerFactory.getLogger(Collector.class);
  private static final byte[] KEY = "collection".getBytes(StandardCharsets.US_ASCII);

  private final Database database;
  private final RepositoryDirectory directory;
  private final ContentReader reader;
  private final Catalog catalog;
  private final Gate gate;
  private final Claims claims;
  private final StoreWriter writer;
  private final CollectOptions options;
  private final CollectListener listener;
  private final LeftOverDamage leftOver;
  private final IndexScan index;
  private final ChunkTables tables;
  private final ReturnedSpace returned;
  private final IndexRewrite indexRewrite;
  private boolean resumed;
  private int snapshotsReclaimed;
  private long unreachable;
  private long unreachableBytes;
  private long freed;
  private long freedBytes;
  private long liveChunks;
  private long liveNodes;
  private long rewrittenBytes;
  private Duration markDuration = Duration.ZERO;

  Collector(
      Database database,
      RepositoryDirectory directory,
      ContentReader reader,
      Catalog catalog,
      Gate gate,
      Claims claims,
      StoreWriter writer,
      DamagedRows damaged,
      CollectOptions options,
      CollectListener listener) {
    this.database = database;
    this.directory = directory;
    this.reader = reader;
    this.catalog = catalog;
    this.gate = gate;
    this.claims = claims;
    this.writer = writer;
    this.options = options;
    this.listener = listener;
    this.leftOver = new LeftOverDamage(database, reader, damaged, writer::run);
    this.index = new IndexScan(database);
    this.tables = new ChunkTables(database, directory.database());
    this.returned = new ReturnedSpace(database, directory.database());
    this.indexRewrite =
        new IndexRewrite(
            database, directory, returned, new Pace(options.rateLimitBytesPerSecond()));
  }

  /** The key of the row of a collection that has begun to sweep. */
  static byte[] key() {
    return KEY.clone();
  }

  CollectReport collect() throws StoreException {
    // Also before a killed sweep is finished: what its marks know of may be lost.
    new LossMark(directory).requireNone();
    long begun = System.nanoTime();
    finishKilledSweep();
    try {
      Gate.Start start = gate.beginCollection();
      LOG.info("collection=begun cutoff={} roots={}", start.cutoff(), start.roots().size());
      leftOver.note();
      Marks marks = mark(start.roots());
      CollectionRow row = save(start, marks);
      Sweep sweep = newSweep(start.cutoff(), marks);
      // Before anything is decided: a row that cannot be read ends it here, also of what may go.
      Roaring64Bitmap dead = sweep.scan();
      condemn(start, row);
      leftOver.takeAway();
      sweep(sweep, dead, start.endOrdinal(), start.condemned(), marks);
    } finally {
      gate.endCollection();
    }
    Duration all = Duration.ofNanos(System.nanoTime() - begun);
    return new CollectReport(
        false,
        resumed,
        snapshotsReclaimed,
        liveChunks,
        liveNodes,
        unreachable,
        unreachableBytes,
        freed,
        freedBytes,
        returned.bytes(),
        rewrittenBytes + indexRewrite.rewrittenBytes(),
        tables.damaged(),
        indexRewrite.lacksRoom(),
        markDuration,
        all.minus(markDuration));
  }

  private Marks mark(List<SnapshotRecord> roots) throws StoreException {
    long begun = System.nanoTime();
    Marker marker = new Marker(index, reader, listener, StoreLimits.markPrefixes());
    Marks marks = marker.mark(roots);
    markDuration = Duration.ofNanos(System.nanoTime() - begun);
    LOG.info(
        "mark=done ordinals={} bytes={} nodes={} parts={}",
        marks.count(),
        marks.memoryBytes(),
        marker.nodes(),
        marker.parts());
    return marks;
  }

  /** From here on the sweep will be finished, by this process or another. */
  private void condemn(Gate.Start start, CollectionRow row) throws StoreException {
    writer.run(
        () -> {
          try (RowBatch batch = database.newBatch()) {
            for (SnapshotId id : start.condemned()) {
              SnapshotState state =
                  catalog.find(id).map(CatalogEntry::state).orElse(SnapshotState.KEPT);
              catalog.put(batch, id, new SnapshotState(false, state.forgotten(), true));
              CondemnedRows.add(batch, id);
            }
            batch.put(Family.DEFAULT, KEY, row.encode());
            writer.commit(batch);
          }
        });
  }

  /** Saves the marks, if there is room for them. If not, a killed sweep has to mark again. */
  private CollectionRow save(Gate.Start start, Marks marks) throws StoreException {
    try {
      Database.beforeChange.run();
      Marks.Saved saved = marks.save(directory.marks());
      directory.sync();
      return new CollectionRow(
          start.cutoff(), start.endOrdinal(), saved.length(), saved.checksum());
    } catch (IOException e) {
      StoreException failure = StoreErrors.of(directory.location(), "saving marks", e);
      if (!(failure instanceof StoreFullException)) {
        throw failure;
      }
      LOG.warn("marks=not-saved reason=no-space");
      deleteMarks();
      return new CollectionRow(start.cutoff(), start.endOrdinal(), 0, 0);
    }
  }

  /** Removes what a sweep has found. */
  private void sweep(
      Sweep sweep, Roaring64Bitmap dead, long endOrdinal, List<SnapshotId> condemned, Marks marks)
      throws StoreException {
    // So that all records lie in files, which is what is rewritten.
    writer.run(database::flush);
    List<ReclaimPlan.Part> parts = new ReclaimPlan(tables, marks, endOrdinal).parts(dead);
    sweep.remove(ReclaimPlan.within(parts, dead));
    writer.run(database::flush);
    Reclaimer reclaimer = reclaim(parts, marks);
    indexRewrite.rewrite(sweep.rows(), sweep.removed());
    finish(condemned);
    snapshotsReclaimed += condemned.size();
    unreachable += dead.getLongCardinality();
    unreachableBytes += sweep.deadBytes();
    freed += Math.max(0, sweep.removed() - reclaimer.leftRecords());
    freedBytes += Math.max(0, sweep.removedBytes() - reclaimer.leftBytes());
    liveChunks = sweep.liveChunks();
    liveNodes = sweep.liveNodes();
    LOG.info("collection=done freed={} freedBytes={}", freed, freedBytes);
  }

  private Reclaimer reclaim(List<ReclaimPlan.Part> parts, Marks marks) throws StoreException {
    Pace pace = new Pace(options.rateLimitBytesPerSecond());
    Reclaimer reclaimer =
        new Reclaimer(database, writer, directory, tables, returned, marks, pace, listener);
    database.setAutomaticCompaction(Family.CHUNK, false);
    try {
      reclaimer.reclaim(parts);
      reclaimer.separateFiles();
      reclaimer.mergeSmallFiles();
    } finally {
      tables.settle();
    }
    rewrittenBytes += reclaimer.rewrittenBytes();
    return reclaimer;
  }

  /**
   * Takes the condemned snapshots out of the catalog: nothing of them is left but what is shared.
   */
  private void finish(List<SnapshotId> condemned) throws StoreException {
    writer.run(
        () -> {
          try (RowBatch batch = database.newBatch()) {
            for (SnapshotId id : condemned) {
              catalog.delete(batch, id);
              CondemnedRows.remove(batch, id);
            }
            batch.delete(Family.DEFAULT, KEY);
            writer.commit(batch);
          }
        });
    deleteMarks();
  }

  /**
   * Finishes the sweep of a collection that was killed, if there is one and its marks are whole.
   */
  private void finishKilledSweep() throws StoreException {
    byte[] bytes = database.get(Family.DEFAULT, KEY);
    if (bytes == null) {
      return;
    }
    CollectionRow row;
    try {
      row = CollectionRow.decode(bytes);
    } catch (MalformedRecordException e) {
      throw new DamagedException("collection", OptionalLong.empty(), "" + e.getMessage(), e);
    }
    Marks marks = load(row);
    if (marks != null) {
      resumed = true;
      // Also those whose states cannot be read any more.
      Set<SnapshotId> condemned = CondemnedRows.read(database);
      for (CatalogEntry entry : catalog.list()) {
        if (entry.state().condemned()) {
          condemned.add(entry.record().id());
        }
      }
      LOG.info("collection=resumed cutoff={} condemned={}", row.cutoff(), condemned.size());
      Sweep sweep = newSweep(row.cutoff(), marks);
      sweep(sweep, sweep.scan(), row.endOrdinal(), List.copyOf(condemned), marks);
    }
  }

  /** The marks that a killed collection saved; null if they are not whole: then it marks again. */
  private @Nullable Marks load(CollectionRow row) throws StoreException {
    try {
      Marks.Saved saved = new Marks.Saved(row.marksLength(), row.marksChecksum());
      return Marks.load(directory.marks(), saved);
    } catch (MalformedRecordException e) {
      LOG.warn("marks=not-usable reason={}", e.getMessage());
      return null;
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading marks", e);
    }
  }

  private void deleteMarks() throws StoreException {
    try {
      Database.beforeChange.run();
      Files.deleteIfExists(directory.marks());
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "deleting marks", e);
    }
  }

  private Sweep newSweep(long cutoff, Marks marks) {
    return new Sweep(index, reader, claims, writer, marks, cutoff, listener);
  }
}
