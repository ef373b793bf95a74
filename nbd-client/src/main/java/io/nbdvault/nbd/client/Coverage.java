package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdProtocolException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which bytes of a read have come. Ranges are kept rather than summed up, or a repeated range would
 * hide a missing one. In the usual case, ascending order, it is one number.
 */
final class Coverage {
  private final long endBytes;
  private long prefixEndBytes;
  private boolean overlapping;
  // Ranges beyond the contiguous prefix: start to end. Null as long as all came in order.
  private @Nullable TreeMap<Long, Long> disordered;

  /** Nothing of {@code [startBytes, endBytes)} has come. */
  Coverage(long startBytes, long endBytes) {
    this.prefixEndBytes = startBytes;
    this.endBytes = endBytes;
  }

  /**
   * Adds a range that lies within the request.
   *
   * @throws NbdProtocolException if there are too many separate ranges
   */
  void add(long from, long to) throws NbdProtocolException {
    if (disordered == null && from == prefixEndBytes) {
      prefixEndBytes = to;
      return;
    }
    addDisordered(from, to);
  }

  private void addDisordered(long from, long to) throws NbdProtocolException {
    TreeMap<Long, Long> ranges = disordered;
    if (ranges == null) {
      ranges = new TreeMap<>();
      disordered = ranges;
    }
    Map.Entry<Long, Long> before = ranges.floorEntry(from);
    Map.Entry<Long, Long> after = ranges.ceilingEntry(from);
    if (from < prefixEndBytes
        || (before != null && before.getValue() > from)
        || (after != null && after.getKey() < to)) {
      overlapping = true;
      return;
    }
    ranges.put(from, to);
    while (!ranges.isEmpty() && ranges.firstKey() == prefixEndBytes) {
      prefixEndBytes = ranges.pollFirstEntry().getValue();
    }
    if (ranges.size() > ClientLimits.COVERAGE_RANGES_MAX) {
      throw new NbdProtocolException(
          "READ: reply in more than " + ClientLimits.COVERAGE_RANGES_MAX + " separate ranges");
    }
  }

  /** Whether every byte has come exactly once. */
  boolean isComplete() {
    return !overlapping && prefixEndBytes == endBytes;
  }

  /** What is wrong, for a message. */
  String describe() {
    return overlapping
        ? "has overlapping chunks"
        : "is incomplete, the first missing byte is at " + prefixEndBytes;
  }
}
