package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.ContentId;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Keeps nodes in memory, as bytes, and counts what is asked of it. */
final class MemoryNodes implements NodeSource, NodeSink {
  private final Map<ChunkId, byte[]> nodes = new HashMap<>();
  private int reads;

  /** How many nodes were read since this was last asked. */
  int readsSinceLast() {
    int since = reads;
    reads = 0;
    return since;
  }

  @Override
  public TreeNode read(ChunkId id) throws StoreException {
    reads++;
    byte[] bytes = nodes.get(id);
    if (bytes == null) {
      throw new DamagedException("node " + id, OptionalLong.empty(), "is missing", null);
    }
    try {
      return TreeNode.decode(bytes, bytes.length);
    } catch (MalformedRecordException e) {
      throw new DamagedException("node " + id, OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }

  @Override
  public PendingNode put(TreeNode node) {
    byte[] bytes = node.encode();
    ChunkId id = ContentId.of(bytes, 0, bytes.length);
    boolean isNew = nodes.putIfAbsent(id, bytes) == null;
    StoredChunk stored =
        isNew
            ? new StoredChunk(id, StoredChunk.Outcome.NEW, bytes.length)
            : new StoredChunk(id, StoredChunk.Outcome.DUPLICATE, 0);
    return new PendingNode(id, CompletableFuture.completedFuture(stored));
  }
}
