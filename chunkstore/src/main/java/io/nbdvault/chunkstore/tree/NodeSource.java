package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.TreeNode;

/** Reads nodes. */
@FunctionalInterface
public interface NodeSource {
  /**
   * Reads a node and checks that its bytes are those that its id names.
   *
   * @param id never {@link ChunkId#ZERO}
   * @throws DamagedException if the node is missing or is not what its id says
   */
  TreeNode read(ChunkId id) throws StoreException;
}
