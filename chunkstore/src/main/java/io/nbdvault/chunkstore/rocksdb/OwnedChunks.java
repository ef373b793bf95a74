package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;

/**
 * To whom chunks belong. With a thousand snapshots 53 bits are left for the id: among a hundred
 * million chunks a pair may be taken for one, which is good enough for statistics.
 */
final class OwnedChunks extends IdPart {
  private final Owners owners;

  /** Makes an empty set, of the first part, with room for so many chunks. */
  OwnedChunks(int capacity, Owners owners) {
    super(capacity, (1L << (Integer.SIZE - Integer.numberOfLeadingZeros(owners.count()))) - 1);
    this.owners = owners;
  }

  /** Adds a chunk if it lies in this part. */
  void add(ChunkId id, int owner) {
    addNoted(id, owner);
  }

  /** The owner of a chunk of this part, or -1 if it was not added. */
  int owner(ChunkId id) {
    return (int) note(id);
  }

  @Override
  long joined(long note, long other) {
    return owners.join((int) note, (int) other);
  }
}
