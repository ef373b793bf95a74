package io.nbdvault.engine.serve;

import io.nbdvault.nbd.server.Export.ExtentVisitor;

/** Joins neighbouring extents of the same flags, and cuts them at the range that was asked for. */
final class ExtentRuns {
  private final long endBytes;
  private final ExtentVisitor visitor;
  private long reachedBytes;
  private long pendingBytes;
  private long pendingFlags;
  private boolean isOver;

  ExtentRuns(long offsetBytes, long lengthBytes, ExtentVisitor visitor) {
    this.reachedBytes = offsetBytes;
    this.endBytes = offsetBytes + lengthBytes;
    this.visitor = visitor;
  }

  /** Up to where the extents are known. */
  long reachedBytes() {
    return reachedBytes;
  }

  /** The end of what was asked for. */
  long endBytes() {
    return endBytes;
  }

  /** Whether nothing more is wanted. */
  boolean isOver() {
    return isOver || reachedBytes == endBytes;
  }

  /**
   * From where the extents are known up to there it is of these flags; nothing if that is behind.
   *
   * @return whether more is wanted
   */
  boolean upTo(long positionBytes, long flags) {
    long end = Math.min(positionBytes, endBytes);
    if (end > reachedBytes && !isOver) {
      if (pendingBytes > 0 && pendingFlags != flags) {
        isOver = !visitor.extent(pendingBytes, pendingFlags);
        pendingBytes = 0;
      }
      pendingFlags = flags;
      pendingBytes += end - reachedBytes;
      reachedBytes = end;
    }
    return !isOver();
  }

  /** Shows the last one. */
  void finish() {
    if (pendingBytes > 0 && !isOver) {
      isOver = !visitor.extent(pendingBytes, pendingFlags);
      pendingBytes = 0;
    }
  }
}
