package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Takes the rows of what nothing needs out of the index. It goes over the index twice: first it
 * only looks, and every row that must stay marks its ordinal; then, once it is known which parts of
 * the database are worth rewriting, it deletes the rows whose records lie there. So at the end
 * every record in those parts whose ordinal is not marked has no row.
 *
 * <p>A row is deleted under the claim of its id, after it was read again under that claim: whoever
 * relied on it in between has given it a later epoch. An id that somebody else has claimed is kept:
 * they are about to rely on it.
 */
final class Sweep {
  private final IndexScan index;
  private final ContentReader reader;
  private final Claims claims;
  private final @Nullable StoreWriter writer;
  private final Marks marks;
  private final long cutoff;
  private final CollectListener listener;
  private final Roaring64Bitmap dead = new Roaring64Bitmap();
  private long rows;
  private long deadBytes;
  private long liveChunks;
  private long liveNodes;
  private long removed;
  private long removedBytes;

  /**
   * Makes a sweep.
   *
   * @param writer null for one that only looks
   * @param marks of what is reachable; in the end of all that has a row, in the parts that are
   *     swept
   * @param cutoff rows of this epoch or later stay
   */
  Sweep(
      IndexScan index,
      ContentReader reader,
      Claims claims,
      @Nullable StoreWriter writer,
      Marks marks,
      long cutoff,
      CollectListener listener) {
    this.index = index;
    this.reader = reader;
    this.claims = claims;
    this.writer = writer;
    this.marks = marks;
    this.cutoff = cutoff;
    this.listener = listener;
  }

  /** Makes a sweep that finds what may go, and does not remove it. */
  static Sweep preview(
      IndexScan index, ContentReader reader, Marks marks, long cutoff, CollectListener listener) {
    return new Sweep(index, reader, new Claims(), null, marks, cutoff, listener);
  }

  /** Finds the rows that may go; marks the ordinals of all others. */
  Roaring64Bitmap scan() throws StoreException {
    index.forEach(
        (key, row) -> {
          rows++;
          if (marks.contains(row.ordinal()) || row.epoch() >= cutoff) {
            marks.add(row.ordinal());
            countLive(key);
          } else {
            dead.addLong(row.ordinal());
            deadBytes += bytes(row);
          }
          report(Phase.SCAN, rows, 0);
        });
    listener.progress(Phase.SCAN, rows, 0);
    return dead;
  }

  /**
   * Deletes the rows of these ordinals, all found by {@link #scan}, unless somebody has relied on
   * one since: that one is marked.
   *
   * @param doomed ordinals
   */
  void remove(Roaring64Bitmap doomed) throws StoreException {
    StoreWriter remover = Objects.requireNonNull(writer);
    long[] seen = new long[1];
    index.forEach(
        (key, row) -> {
          // A sweep that goes on from a killed one has not counted the rows.
          report(Phase.SWEEP, ++seen[0], rows == 0 ? 0 : Math.max(rows, seen[0]));
          if (doomed.contains(row.ordinal()) && !remove(key, remover)) {
            marks.add(row.ordinal());
            countLive(key);
          }
        });
    // What was queued is written when this is done.
    remover.run(() -> {});
    listener.progress(Phase.SWEEP, seen[0], seen[0]);
  }

  /** Returns whether the row is gone, or will be. */
  private boolean remove(IndexKey key, StoreWriter remover) throws StoreException {
    Claim claim = new Claim(key, cutoff);
    if (claims.claim(claim) != null) {
      return false;
    }
    boolean submitted = false;
    try {
      IndexRow row = reader.lookUp(key);
      if (row == null) {
        return true;
      }
      if (row.epoch() >= cutoff) {
        return false;
      }
      remover.submit(new WriteTask.Removal(claim));
      submitted = true;
      removed++;
      removedBytes += bytes(row);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while sweeping.", e);
    } finally {
      if (!submitted) {
        claims.end(claim);
        claim.decide(Claim.Decision.ABANDONED);
      }
    }
  }

  private void countLive(IndexKey key) {
    if (key.type() == RecordType.CHUNK) {
      liveChunks++;
    } else {
      liveNodes++;
    }
  }

  private void report(Phase phase, long done, long expected) {
    if (done % StoreLimits.SCAN_ROWS == 0) {
      listener.progress(phase, done, expected);
    }
  }

  /** Rows of the first format do not know the length of their record. */
  private static long bytes(IndexRow row) {
    return row.recordLength() == 0 ? row.plainLength() : row.recordLength();
  }

  /** How many rows there were. */
  long rows() {
    return rows;
  }

  /** Bytes of the records that may go. */
  long deadBytes() {
    return deadBytes;
  }

  long liveChunks() {
    return liveChunks;
  }

  long liveNodes() {
    return liveNodes;
  }

  /** How many rows were deleted. */
  long removed() {
    return removed;
  }

  /** Bytes of the records whose rows were deleted. */
  long removedBytes() {
    return removedBytes;
  }
}
