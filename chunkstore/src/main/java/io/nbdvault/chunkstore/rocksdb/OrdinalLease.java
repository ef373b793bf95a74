package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;

/**
 * The ordinals that this process may give. An ordinal is a permanent identity and never given
 * twice, not even if the process is killed before it is durable that it was given: so ordinals are
 * leased in blocks, and a lease is durable before the first of its ordinals is used. Belongs to the
 * writer thread.
 */
final class OrdinalLease {
  private final Commits commits;
  private final long first;
  private long next;
  private long end;

  private OrdinalLease(Commits commits, long first, long end) {
    this.commits = commits;
    this.first = first;
    this.next = first;
    this.end = end;
  }

  /** Puts a first lease into a batch that the caller commits. */
  static OrdinalLease begin(Database database, Commits commits, RowBatch batch)
      throws StoreException {
    long first = Counter.NEXT_ORDINAL.read(database);
    long end = Math.addExact(first, StoreLimits.LEASE_ORDINALS);
    commits.putNextOrdinal(batch, end);
    return new OrdinalLease(commits, first, end);
  }

  /** The first ordinal that this process may have given. */
  long first() {
    return first;
  }

  /** The ordinal that is taken next, or lies before it. */
  long next() {
    return next;
  }

  /** Makes sure that so many ordinals can be taken. Durable when it returns. */
  void ensure(int count) throws StoreException {
    if (end - next < count) {
      long newEnd = Math.addExact(end, StoreLimits.LEASE_ORDINALS);
      makeDurable(newEnd);
      end = newEnd;
    }
  }

  /** Takes one of the ordinals that {@link #ensure} has made sure of. */
  long take() {
    if (next >= end) {
      throw new IllegalStateException("ordinal " + next + " is not leased");
    }
    return next++;
  }

  /** Gives back what was not taken. Nothing may be taken any more. */
  void giveBack() throws StoreException {
    end = next;
    makeDurable(next);
  }

  private void makeDurable(long nextOrdinal) throws StoreException {
    try (RowBatch batch = commits.newBatch()) {
      commits.putNextOrdinal(batch, nextOrdinal);
      commits.commit(batch);
    }
  }
}
