package io.nbdvault.engine.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;

/**
 * Notices when one connection reads in order, and says what to read ahead of it. Requests that were
 * sent in order may come here slightly out of it, since several threads serve them.
 */
final class ReadAhead {
  /** A range of chunks; empty if there is nothing to do. */
  record Chunks(long first, long end) {
    private static final Chunks NONE = new Chunks(0, 0);

    boolean isEmpty() {
      return first == end;
    }
  }

  private final long chunkSizeBytes;
  private final long chunkCount;
  private final long windowBytes;

  /** How far it has come. */
  @GuardedBy("this")
  private long reachedBytes;

  /** How much was read in order until there. */
  @GuardedBy("this")
  private long inOrderBytes;

  /** What was read ahead already, in chunks. */
  @GuardedBy("this")
  private long aheadEnd;

  /**
   * @param windowBytes how far ahead, and how far out of order requests may be
   */
  ReadAhead(long sizeBytes, int chunkSizeBytes, int windowBytes) {
    this.chunkSizeBytes = chunkSizeBytes;
    this.chunkCount = sizeBytes == 0 ? 0 : (sizeBytes - 1) / chunkSizeBytes + 1;
    this.windowBytes = windowBytes;
  }

  /**
   * A request has come.
   *
   * @return what to read ahead now: as far ahead as was read in order before, within the window
   */
  synchronized Chunks request(long offsetBytes, long lengthBytes) {
    long end = offsetBytes + lengthBytes;
    boolean inOrder =
        offsetBytes <= reachedBytes + windowBytes && end >= reachedBytes - windowBytes;
    if (!inOrder) {
      reachedBytes = end;
      inOrderBytes = 0;
      aheadEnd = 0;
      return Chunks.NONE;
    }
    inOrderBytes += lengthBytes;
    reachedBytes = Math.max(reachedBytes, end);
    long aheadBytes = Math.min(windowBytes, inOrderBytes);
    long first = Math.max(aheadEnd, (reachedBytes + chunkSizeBytes - 1) / chunkSizeBytes);
    long wanted = Math.min(chunkCount, (reachedBytes + aheadBytes) / chunkSizeBytes);
    // A few at a time: a task for each would cost more than it saves.
    boolean isWorthIt = (wanted - first) * chunkSizeBytes >= Math.min(aheadBytes, windowBytes / 4);
    if (first >= wanted || (!isWorthIt && wanted < chunkCount)) {
      return Chunks.NONE;
    }
    aheadEnd = wanted;
    return new Chunks(first, wanted);
  }
}
