package io.nbdvault.chunkstore;

/**
 * A disk's finished tree.
 *
 * @param root id of its root node, or {@link ChunkId#ZERO} if the disk holds only zeros
 * @param nodesNew how many nodes were not in the store
 * @param nodeBytesStored what those take in the store, in bytes
 */
public record DiskRoot(ChunkId root, long nodesNew, long nodeBytesStored) {
  /** Checks that nothing is negative. */
  public DiskRoot {
    Checks.notNegative("new nodes", nodesNew);
    Checks.notNegative("node bytes stored", nodeBytesStored);
  }
}
