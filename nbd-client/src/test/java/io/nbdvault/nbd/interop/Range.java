package io.nbdvault.nbd.interop;

import java.util.List;

/** An extent with its place. */
record Range(long offsetBytes, long lengthBytes, long flags) {
  /** Adds a range; servers may cut extents as they like, so adjacent equal ones become one. */
  static void append(List<Range> ranges, Range next) {
    int last = ranges.size() - 1;
    if (last >= 0 && ranges.get(last).flags() == next.flags()) {
      Range before = ranges.get(last);
      ranges.set(
          last,
          new Range(before.offsetBytes(), before.lengthBytes() + next.lengthBytes(), next.flags()));
    } else {
      ranges.add(next);
    }
  }
}
