package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.util.ArrayList;
import java.util.List;
import org.roaringbitmap.longlong.LongIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes records and gives their space back. Deleting alone frees nothing: a file gets smaller
 * only by being rewritten. So the ordinals are cut where the files of the database begin, and a
 * part is deleted, written out and rewritten before the next one is begun: that needs room for one
 * file, where rewriting everything needs room for it all. Those with the least left to write come
 * first, and a part in which nothing lives costs nothing, since its file is dropped.
 *
 * <p>What is rewritten was checked before; what is damaged is left as it is: see {@link
 * ChunkTables}.
 */
final class Reclaimer {
  private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

  /** Files below this size are merged with their neighbours, if there are so many in a row. */
  private static final long SMALL_FILE_BYTES = 8 << 20;

  private static final int SMALL_FILES_MIN = 8;

  /** Most bytes that are merged in one go. */
  private static final long MERGED_BYTES_MAX = 256 << 20;

  /** Parts without anything that lives whose files are dropped in one go. */
  private static final int DROPPED_PARTS_MAX = 256;

  /** Room that is left alone for what is flushed meanwhile. */
  private static final long FREE_BYTES_MIN = 4 << 20;

  private final Database database;
  private final StoreWriter writer;
  private final RepositoryDirectory directory;
  private final ChunkTables tables;
  private final ReturnedSpace returned;
  private final Marks marks;
  private final Pace pace;
  private final CollectListener listener;
  private TableList listed = new TableList(List.of());
  private long rewrittenBytes;
  private long leftRecords;
  private long leftBytes;

  /**
   * Makes a reclaimer.
   *
   * @param returned counts what it gives back
   * @param marks the ordinals that stay
   */
  Reclaimer(
      Database database,
      StoreWriter writer,
      RepositoryDirectory directory,
      ChunkTables tables,
      ReturnedSpace returned,
      Marks marks,
      Pace pace,
      CollectListener listener) {
    this.database = database;
    this.writer = writer;
    this.directory = directory;
    this.tables = tables;
    this.returned = returned;
    this.marks = marks;
    this.pace = pace;
    this.listener = listener;
  }

  /**
   * Deletes every record in these parts that has no row and gives the space back. The rows' removal
   * must be durable.
   */
  void reclaim(List<ReclaimPlan.Part> parts) throws StoreException {
    if (!parts.isEmpty()) {
      count(() -> reclaimAll(parts));
    }
  }

  /**
   * Lists the files, does something with them, and counts what comes of it: once for all parts,
   * because listing takes as long as there are files. What a backup writes beside it lies behind
   * all that was there before.
   */
  private void count(ReturnedSpace.Change change) throws StoreException {
    listed = tables.list();
    long last = listed.lastOrdinal();
    returned.count(
        Family.CHUNK, listed.ascending(), table -> table.largestPrefix() <= last, change);
  }

  private void reclaimAll(List<ReclaimPlan.Part> parts) throws StoreException {
    long expected = parts.stream().mapToLong(ReclaimPlan.Part::sizeBytes).sum();
    long done = 0;
    listener.progress(Phase.RECLAIM, 0, expected);
    dropDead(parts);
    List<ReclaimPlan.Part> left = parts;
    while (!left.isEmpty()) {
      List<ReclaimPlan.Part> noRoom = new ArrayList<>();
      for (ReclaimPlan.Part part : left) {
        Interruption.check("reclaiming");
        if (part.liveBytes() > 0 && part.liveBytes() + FREE_BYTES_MIN > directory.usableBytes()) {
          noRoom.add(part);
          continue;
        }
        reclaim(part);
        done += part.sizeBytes();
        listener.progress(Phase.RECLAIM, done, expected);
      }
      if (noRoom.size() == left.size()) {
        // Their rows are gone; a later collection finds the records by counting.
        LOG.warn("reclaim=incomplete parts={} reason=no-space", noRoom.size());
        noRoom.forEach(this::leave);
        return;
      }
      left = noRoom;
    }
  }

  /** Drops the files in which nothing lives. Needs no check: nothing of them is read. */
  private void dropDead(List<ReclaimPlan.Part> parts) throws StoreException {
    List<byte[]> ranges = new ArrayList<>();
    for (ReclaimPlan.Part part : parts) {
      if (marks.count(part.first(), part.last() + 1) == 0) {
        ranges.add(OrdinalKey.of(part.first()));
        ranges.add(OrdinalKey.of(part.last()));
      }
    }
    int step = 2 * DROPPED_PARTS_MAX;
    for (int i = 0; i < ranges.size(); i += step) {
      Interruption.check("reclaiming");
      database.dropTables(Family.CHUNK, ranges.subList(i, Math.min(i + step, ranges.size())));
    }
    if (!ranges.isEmpty()) {
      listed = tables.list();
    }
  }

  private void reclaim(ReclaimPlan.Part part) throws StoreException {
    long begun = System.nanoTime();
    List<Database.Table> reached = reaching(part);
    if (reached.isEmpty()) {
      return;
    }
    long bytes = bytes(reached);
    if (tables.areWhole(reached)) {
      writer.run(() -> deleteRecords(part));
      database.compact(Family.CHUNK, OrdinalKey.of(part.first()), OrdinalKey.of(part.last()));
      rewrittenBytes += bytes;
    } else {
      LOG.warn("reclaim=left-out first={} last={} reason=damaged", part.first(), part.last());
      leave(part);
    }
    pace.await(bytes, begun);
  }

  /** The files of a part: nobody but this one takes any away, so they are as they were listed. */
  private List<Database.Table> reaching(ReclaimPlan.Part part) {
    List<Database.Table> reached = listed.reaching(part.first(), part.last());
    if (tables.areThere(reached)) {
      return reached;
    }
    // Rewriting another part has rewritten some of this one.
    listed = tables.list();
    return listed.reaching(part.first(), part.last());
  }

  /**
   * Puts files in order that have ordinals in common: a collection that was killed has left its
   * deletes, and while they are there RocksDB does not compact by itself.
   */
  void separateFiles() throws StoreException {
    count(this::separateListed);
  }

  private void separateListed() throws StoreException {
    for (List<Database.Table> group : listed.groups()) {
      boolean room = bytes(group) + FREE_BYTES_MIN <= directory.usableBytes();
      if (group.size() > 1 && room) {
        Interruption.check("separating files");
        long begun = System.nanoTime();
        if (tables.areWhole(group)) {
          rewrite(group);
        }
        pace.await(bytes(group), begun);
      }
    }
  }

  /**
   * Merges neighbouring files that are small, as every commit leaves some: they do not merge by
   * themselves.
   */
  void mergeSmallFiles() throws StoreException {
    count(this::mergeListed);
  }

  private void mergeListed() throws StoreException {
    List<Database.Table> run = new ArrayList<>();
    long bytes = 0;
    for (List<Database.Table> group : listed.groups()) {
      long groupBytes = bytes(group);
      boolean small = groupBytes < SMALL_FILE_BYTES * group.size();
      if (!small || bytes + groupBytes > MERGED_BYTES_MAX) {
        merge(run);
        run.clear();
        bytes = 0;
      }
      if (small) {
        run.addAll(group);
        bytes += groupBytes;
      }
    }
    merge(run);
  }

  /** Merges what is whole of them, if that is many enough, and if there is room for it. */
  private void merge(List<Database.Table> run) throws StoreException {
    long bytes = bytes(run);
    if (run.size() < SMALL_FILES_MIN || bytes + FREE_BYTES_MIN > directory.usableBytes()) {
      return;
    }
    Interruption.check("merging files");
    long begun = System.nanoTime();
    List<Database.Table> whole = new ArrayList<>();
    for (List<Database.Table> group : ChunkTables.groups(run)) {
      if (tables.areWhole(group)) {
        whole.addAll(group);
      } else {
        mergeWhole(whole);
        whole.clear();
      }
    }
    mergeWhole(whole);
    pace.await(bytes, begun);
  }

  private void mergeWhole(List<Database.Table> run) throws StoreException {
    if (run.size() >= SMALL_FILES_MIN) {
      rewrite(run);
    }
  }

  private void rewrite(List<Database.Table> run) throws StoreException {
    long first = run.get(0).smallestPrefix();
    long last = run.stream().mapToLong(Database.Table::largestPrefix).max().orElse(first);
    database.compact(Family.CHUNK, OrdinalKey.of(first), OrdinalKey.of(last));
    rewrittenBytes += bytes(run);
  }

  /** Bytes of files that were rewritten. */
  long rewrittenBytes() {
    return rewrittenBytes;
  }

  private void leave(ReclaimPlan.Part part) {
    leftRecords += part.dead();
    leftBytes += part.deadBytes();
  }

  /**
   * Records that have no row any more, and lie there still: there was no room for their parts, or
   * these are damaged.
   */
  long leftRecords() {
    return leftRecords;
  }

  /** Bytes of these records, by estimate. */
  long leftBytes() {
    return leftBytes;
  }

  /**
   * Deletes each run of ordinals between those that stay. What is deleted goes into a file of its
   * own, without what is put meanwhile: a file that had both would reach from here to the newest
   * ordinal, and rewriting one part would be rewriting everything in between.
   */
  private void deleteRecords(ReclaimPlan.Part part) throws StoreException {
    database.flush(Family.CHUNK);
    long end = part.last() + 1;
    LongIterator live = marks.ordinals().getLongIteratorFrom(part.first());
    long next = part.first();
    while (next < end) {
      List<long[]> runs = new ArrayList<>();
      while (next < end && runs.size() < StoreLimits.BATCH_RECORDS) {
        long stays = live.hasNext() ? Math.min(live.next(), end) : end;
        if (stays > next) {
          add(runs, next, stays, end);
        }
        next = stays + 1;
      }
      deleteRuns(runs);
    }
    database.flush(Family.CHUNK);
  }

  /**
   * Adds what lies before {@code stays}. A range's end would be taken for an ordinal that is in the
   * file, so the last of a part is by itself: else the neighbour would be rewritten as well.
   */
  private static void add(List<long[]> runs, long next, long stays, long end) {
    if (stays == end && stays - next > 1) {
      runs.add(new long[] {next, stays - 1});
      runs.add(new long[] {stays - 1, stays});
    } else {
      runs.add(new long[] {next, stays});
    }
  }

  private void deleteRuns(List<long[]> runs) throws StoreException {
    try (RowBatch batch = database.newBatch()) {
      for (long[] run : runs) {
        if (run[1] - run[0] == 1) {
          batch.delete(Family.CHUNK, OrdinalKey.of(run[0]));
        } else {
          batch.deleteRange(Family.CHUNK, OrdinalKey.of(run[0]), OrdinalKey.of(run[1]));
        }
      }
      database.write(batch);
    }
  }

  private static long bytes(List<Database.Table> tables) {
    return tables.stream().mapToLong(Database.Table::sizeBytes).sum();
  }
}
