package io.nbdvault.engine.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The ranges of one disk that cannot be read; neighbours become one. Holds an entry for each range,
 * so at most one for every other chunk of the disk. Any thread.
 */
public final class LostRanges {
  /** Ends by their beginnings. */
  private final TreeMap<Long, Long> ends = new TreeMap<>();

  /**
   * A range.
   *
   * @param offsetBytes where it begins
   * @param lengthBytes at least 1
   */
  public record Range(long offsetBytes, long lengthBytes) {}

  /** Adds a range that does not overlap those that are there. */
  public synchronized void add(long offsetBytes, long lengthBytes) {
    if (offsetBytes < 0 || lengthBytes < 1) {
      throw new IllegalArgumentException(
          "range: " + lengthBytes + " from " + offsetBytes + " (expected: >= 1 from >= 0)");
    }
    long start = offsetBytes;
    long end = offsetBytes + lengthBytes;
    Map.Entry<Long, Long> before = ends.lowerEntry(offsetBytes);
    if (before != null && before.getValue() == offsetBytes) {
      start = before.getKey();
    }
    Long endOfNext = ends.remove(end);
    ends.put(start, endOfNext == null ? end : endOfNext);
  }

  /** All of them, in ascending order. */
  public synchronized List<Range> ranges() {
    List<Range> ranges = new ArrayList<>();
    ends.forEach((start, end) -> ranges.add(new Range(start, end - start)));
    return ranges;
  }
}
