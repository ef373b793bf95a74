package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Cuts the ordinals where the files of the database begin, and chooses the parts that are worth
 * rewriting. Parts where that would free next to nothing are left for a later collection, records
 * and rows.
 */
final class ReclaimPlan {
  /** Of the bytes that nothing needs, so many in a thousand are given back, or more. */
  private static final int FREED_PER_MILLE = 970;

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

  private final ChunkTables tables;
  private final Marks marks;
  private final long endOrdinal;

  /**
   * Makes a plan.
   *
   * @param marks the ordinals that stay
   * @param endOrdinal everything from here on stays as well
   */
  ReclaimPlan(ChunkTables tables, Marks marks, long endOrdinal) {
    this.tables = tables;
    this.marks = marks;
    this.endOrdinal = endOrdinal;
  }

  /** The parts that are worth rewriting, those with the least left to write first. */
  List<Part> parts(Roaring64Bitmap dead) throws StoreException {
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

  /** Each group's ordinals from its first to the first of the next. */
  private List<Part> cut(Roaring64Bitmap dead) throws StoreException {
    List<Database.Table> withRows = new ArrayList<>(tables.list().ascending());
    Map<String, Long> rowCounts = tables.rowCounts(withRows);
    // One that does not say how many it has stays where it is.
    withRows.removeIf(table -> rowCounts.getOrDefault(table.name(), 1L) == 0);
    List<List<Database.Table>> groups = ChunkTables.groups(withRows);
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      // What lies before the first file can only be in the first one's neighbourhood by mistake.
      long first = i == 0 ? 1 : groups.get(i).get(0).smallestPrefix();
      long last =
          i + 1 < groups.size() ? groups.get(i + 1).get(0).smallestPrefix() - 1 : endOrdinal - 1;
      if (last >= first && first < endOrdinal) {
        parts.add(part(first, Math.min(last, endOrdinal - 1), groups.get(i), rowCounts, dead));
      }
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
}
