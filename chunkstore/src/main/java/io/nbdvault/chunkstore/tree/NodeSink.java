package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.concurrent.CompletableFuture;

/** Stores nodes. */
@FunctionalInterface
public interface NodeSink {
  /** Begins to store a node, unless it is there already. May block while too much is under way. */
  PendingNode put(TreeNode node);

  /**
   * A node on its way into the store.
   *
   * @param id its id
   * @param stored completes when it can be read back
   */
  record PendingNode(ChunkId id, CompletableFuture<StoredChunk> stored) {}
}
