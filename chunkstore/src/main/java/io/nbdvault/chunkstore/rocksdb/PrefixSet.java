package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;

/**
 * The first 64 bits of ids.
 *
 * <p>Two ids with the same prefix count as one. Chance makes none, but in a repository that is not
 * encrypted some hours of computing do, out of chunks of one's own. A mark then keeps what has
 * either id, and if the row of one of the two is lost, the other's hides that: of nobody else's.
 */
final class PrefixSet extends IdPart {
  /** Makes an empty set, of the first part, with room for so many ids. */
  PrefixSet(int capacity) {
    super(capacity, 0);
  }

  /** Adds an id if it lies in this part. */
  void add(ChunkId id) {
    addNoted(id, 0);
  }

  /** Whether an id of this part was added. */
  boolean contains(ChunkId id) {
    return note(id) >= 0;
  }

  @Override
  long joined(long note, long other) {
    return 0;
  }
}
