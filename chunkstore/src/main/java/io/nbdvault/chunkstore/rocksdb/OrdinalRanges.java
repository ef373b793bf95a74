package io.nbdvault.chunkstore.rocksdb;

import java.util.Map;
import java.util.TreeMap;

/** Ordinals from one to another, several times. */
final class OrdinalRanges {
  /** The last ordinal of each, by its first; none touches another. */
  private final TreeMap<Long, Long> ranges = new TreeMap<>();

  /** Adds those from {@code first} to {@code last}, both included. */
  void add(long first, long last) {
    long from = first;
    long to = last;
    Map.Entry<Long, Long> before = ranges.floorEntry(first);
    if (before != null && before.getValue() >= first) {
      from = before.getKey();
    }
    for (Map.Entry<Long, Long> other = ranges.ceilingEntry(from);
        other != null && other.getKey() <= last;
        other = ranges.ceilingEntry(from)) {
      to = Math.max(to, other.getValue());
      ranges.remove(other.getKey());
    }
    ranges.put(from, to);
  }

  boolean contains(long ordinal) {
    Map.Entry<Long, Long> range = ranges.floorEntry(ordinal);
    return range != null && range.getValue() >= ordinal;
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }
}
