package io.nbdvault.engine.source;

import io.nbdvault.nbd.Extent;
import java.util.List;

/** A place in a list of extents that can be moved forward by any number of bytes. */
final class ExtentCursor {
  private final List<Extent> extents;
  private int index;
  private long consumed;

  ExtentCursor(List<Extent> extents) {
    this.extents = extents;
  }

  boolean hasCurrent() {
    return index < extents.size();
  }

  long flags() {
    return extents.get(index).flags();
  }

  /** Bytes left of the current extent. */
  long left() {
    return extents.get(index).lengthBytes() - consumed;
  }

  /** Moves on by at most {@link #left()} bytes. */
  void skip(long bytes) {
    consumed += bytes;
    if (left() == 0) {
      index++;
      consumed = 0;
    }
  }
}
