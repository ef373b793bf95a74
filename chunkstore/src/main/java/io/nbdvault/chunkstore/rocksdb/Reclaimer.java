package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.roaringbitmap.longlong.LongIterator;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes records and gives their space back. Deleting alone frees nothing: a file gets smaller
 * only by being rewritten. So the ordinals are cut where the files of the database begin, and a
 * part is deleted, written out and rewritten before the next one is begun: that needs room for one
 * file, where rewriting everything needs room for it all. Those with the least left to write come
 * first, and a part in which nothing lives costs nothing, since its file is dropped. Parts where
 * rewriting much would free next to nothing are left for a later collection, records and rows.
 */
final class Reclaimer {
  private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

  /** Of the bytes that nothing needs, so many in a thousand are given back, or more. */
  private static final int FREED_PER_MILLE = 970;

  /** Files below this size are merged with their neighbours, if there are so many in a row. */
  private static final long SMALL_FILE_BYTES = 8 << 20;

  private static final int SMALL_FILES_MIN = 8;

  /** Most bytes that are merged in one go. */
  private static final long MERGED_BYTES_MAX = 256 << 20;

  /** Room that is left alone for what is flushed meanwhile. */
  private static final long FREE_BYTES_MIN = 4 << 20;

  /**
   * A part of the ordinals.
   *
   * @param first the first ordinal
   * @param last the last ordinal, below the first that may not be swept
   * @param dead how many records of it are to go
   * @param sizeBytes of its file
   * @param liveBytes how much is left of them, by estimate
   */
  record Part(long first, long last, long dead, long sizeBytes, long liveBytes) {
    long deadBytes() {
      return sizeBytes - liveBytes;
    }
  }

  private final Database database;
  private final StoreWriter writer;
  private final RepositoryDirectory directory;
  private final Marks marks;
  private final long endOrdinal;
  private final OptionalLong rateLimitBytesPerSecond;
  private final CollectListener listener;
  private long rewrittenBytes;
  private long leftRecords;
  private long leftBytes;

  /**
   * Makes a reclaimer.
   *
   * @param marks the ordinals that stay
   * @param endOrdinal everything from here on stays as well
   */
  Reclaimer(
      Database database,
      StoreWriter writer,
      RepositoryDirectory directory,
      Marks marks,
      long endOrdinal,
      OptionalLong rateLimitBytesPerSecond,
      CollectListener listener) {
    this.database = database;
    this.writer = writer;
    this.directory = directory;
    this.marks = marks;
    this.endOrdinal = endOrdinal;
    this.rateLimitBytesPerSecond = rateLimitBytesPerSecond;
    this.listener = listener;
  }

  /** The parts that are worth rewriting, those with the least left to write first. */
  List<Part> plan(Roaring64Bitmap dead) throws StoreException {
    List<Part> parts = new ArrayList<>();
    long allDeadBytes = 0;
    for (Part part : cut(dead)) {
      if (part.dead() > 0) {
        parts.add(part);
        allDeadBytes += part.deadBytes();
      }
    }
    parts.sort(Comparator.comparingDouble(part -> (double) part.liveBytes() / part.sizeBytes()));
    List<Part> chosen = new ArrayList<>();
    long chosenBytes = 0;
    for (Part part : parts) {
      boolean enough = chosenBytes * 1000 >= allDeadBytes * FREED_PER_MILLE;
      if (enough && part.liveBytes() > part.deadBytes()) {
        break;
      }
      chosen.add(part);
      chosenBytes += part.deadBytes();
    }
    chosen.sort(Comparator.comparingLong(Part::liveBytes));
    return chosen;
  }

  /** Which of the dead ordinals lie in these parts. */
  static Roaring64Bitmap within(List<Part> parts, Roaring64Bitmap dead) {
    Roaring64Bitmap inside = new Roaring64Bitmap();
    for (Part part : parts) {
      inside.addRange(part.first(), part.last() + 1);
    }
    inside.and(dead);
    return inside;
  }

  /**
   * Deletes every record in these parts that has no row and gives the space back. The rows' removal
   * must be durable.
   */
  void reclaim(List<Part> parts) throws StoreException {
    long expected = parts.stream().mapToLong(Part::sizeBytes).sum();
    long done = 0;
    listener.progress(Phase.RECLAIM, 0, expected);
    List<Part> left = parts;
    while (!left.isEmpty()) {
      List<Part> noRoom = new ArrayList<>();
      for (Part part : left) {
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
        leftRecords = noRoom.stream().mapToLong(Part::dead).sum();
        leftBytes = noRoom.stream().mapToLong(Part::deadBytes).sum();
        return;
      }
      left = noRoom;
    }
  }

  /**
   * Merges neighbouring files that are small, as every commit leaves some: they do not merge by
   * themselves.
   */
  void mergeSmallFiles() throws StoreException {
    List<Database.Table> run = new ArrayList<>();
    long bytes = 0;
    for (Database.Table table : tables()) {
      if (table.sizeBytes() < SMALL_FILE_BYTES && bytes < MERGED_BYTES_MAX) {
        run.add(table);
        bytes += table.sizeBytes();
      } else {
        merge(run);
        run.clear();
        bytes = 0;
      }
    }
    merge(run);
  }

  private void merge(List<Database.Table> run) throws StoreException {
    long bytes = run.stream().mapToLong(Database.Table::sizeBytes).sum();
    if (run.size() < SMALL_FILES_MIN || bytes + FREE_BYTES_MIN > directory.usableBytes()) {
      return;
    }
    Interruption.check("merging files");
    byte[] first = OrdinalKey.of(run.get(0).smallestPrefix());
    byte[] last = OrdinalKey.of(run.get(run.size() - 1).largestPrefix());
    database.compact(Family.CHUNK, first, last);
    rewrittenBytes += bytes;
  }

  /** Bytes of files that were rewritten. */
  long rewrittenBytes() {
    return rewrittenBytes;
  }

  /** Records that have no row any more, and lie there still: for their parts there was no room. */
  long leftRecords() {
    return leftRecords;
  }

  /** Bytes of these records, by estimate. */
  long leftBytes() {
    return leftBytes;
  }

  private void reclaim(Part part) throws StoreException {
    long begun = System.nanoTime();
    byte[] first = OrdinalKey.of(part.first());
    byte[] last = OrdinalKey.of(part.last());
    boolean wholly = marks.count(part.first(), part.last() + 1) == 0;
    if (wholly) {
      database.dropTables(Family.CHUNK, first, last);
    }
    writer.run(() -> deleteRecords(part));
    database.compact(Family.CHUNK, first, last);
    if (!wholly) {
      rewrittenBytes += part.sizeBytes();
      pause(part.sizeBytes(), begun);
    }
  }

  /**
   * Deletes each run of ordinals between those that stay. What is deleted goes into a file of its
   * own, without what is put meanwhile: a file that had both would reach from here to the newest
   * ordinal, and rewriting one part would be rewriting everything in between.
   */
  private void deleteRecords(Part part) throws StoreException {
    database.flush(Family.CHUNK);
    long end = part.last() + 1;
    LongIterator live = marks.ordinals().getLongIteratorFrom(part.first());
    long next = part.first();
    while (next < end) {
      List<long[]> runs = new ArrayList<>();
      while (next < end && runs.size() < StoreLimits.BATCH_RECORDS) {
        long stays = live.hasNext() ? Math.min(live.next(), end) : end;
        if (stays > next) {
          runs.add(new long[] {next, stays});
        }
        next = stays + 1;
      }
      deleteRuns(runs);
    }
    database.flush(Family.CHUNK);
  }

  private void deleteRuns(List<long[]> runs) throws StoreException {
    try (Database.Batch batch = database.newBatch()) {
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

  /** Each file's ordinals from its first to the first of the next. */
  private List<Part> cut(Roaring64Bitmap dead) throws StoreException {
    Map<String, Long> rowCounts = database.rowCounts(Family.CHUNK);
    List<Database.Table> tables = tables();
    tables.removeIf(table -> rowCounts.getOrDefault(table.name(), 0L) == 0);
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < tables.size(); ) {
      // Files that overlap are one part.
      long largest = tables.get(i).largestPrefix();
      int next = i + 1;
      while (next < tables.size() && tables.get(next).smallestPrefix() <= largest) {
        largest = Math.max(largest, tables.get(next).largestPrefix());
        next++;
      }
      // What lies before the first file can only be in the first one's neighbourhood by mistake.
      long first = i == 0 ? 1 : tables.get(i).smallestPrefix();
      long last = next < tables.size() ? tables.get(next).smallestPrefix() - 1 : endOrdinal - 1;
      if (last >= first && first < endOrdinal) {
        parts.add(
            part(first, Math.min(last, endOrdinal - 1), tables.subList(i, next), rowCounts, dead));
      }
      i = next;
    }
    return parts;
  }

  private Part part(
      long first,
      long last,
      List<Database.Table> tables,
      Map<String, Long> rowCounts,
      Roaring64Bitmap dead) {
    long deadCount = dead.rankLong(last) - dead.rankLong(first - 1);
    long liveCount = marks.count(first, last + 1);
    if (tables.stream().allMatch(table -> table.largestPrefix() < endOrdinal)) {
      // Records without a row, which a killed process has left, are found by counting.
      long rows = tables.stream().mapToLong(t -> rowCounts.getOrDefault(t.name(), 0L)).sum();
      deadCount = Math.max(deadCount, rows - liveCount);
    }
    long sizeBytes = tables.stream().mapToLong(Database.Table::sizeBytes).sum();
    long all = Math.max(1, deadCount + liveCount);
    long liveBytes = (long) ((double) sizeBytes * liveCount / all);
    return new Part(first, last, deadCount, sizeBytes, liveBytes);
  }

  /** The files of the records, in the order of the ordinals at which they begin. */
  private List<Database.Table> tables() {
    List<Database.Table> tables = new ArrayList<>(database.tables(Family.CHUNK));
    tables.sort(Comparator.comparingLong(Database.Table::smallestPrefix));
    return tables;
  }

  private void pause(long bytes, long begunNanos) throws StoreException {
    if (rateLimitBytesPerSecond.isEmpty()) {
      return;
    }
    double seconds = (double) bytes / rateLimitBytesPerSecond.getAsLong();
    long nanos = (long) (seconds * TimeUnit.SECONDS.toNanos(1)) - (System.nanoTime() - begunNanos);
    if (nanos > 0) {
      Interruption.sleep(nanos, "reclaiming");
    }
  }
}
