package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;

/** The nodes of one tree on their way into the store, and what they add up to. */
final class NodeStores {
  /** Some 1 MiB of nodes may be under way for a tree. */
  private static final int PENDING_MAX = 256;

  private final NodeSink sink;
  private final ArrayDeque<CompletableFuture<StoredChunk>> pending = new ArrayDeque<>();
  private long nodesNew;
  private long nodeBytesStored;

  NodeStores(NodeSink sink) {
    this.sink = sink;
  }

  /** Stores a node if it changed. Returns its id. */
  ChunkId close(OpenNode node) throws StoreException {
    if (!node.changed()) {
      return node.original();
    }
    if (node.isZero()) {
      return ChunkId.ZERO;
    }
    if (pending.size() >= PENDING_MAX) {
      await(pending.remove());
    }
    NodeSink.PendingNode put = sink.put(node.toNode());
    pending.add(put.stored());
    return put.id();
  }

  /** Waits for every node. */
  DiskRoot finish(ChunkId root) throws StoreException {
    while (!pending.isEmpty()) {
      await(pending.remove());
    }
    return new DiskRoot(root, nodesNew, nodeBytesStored);
  }

  private void await(CompletableFuture<StoredChunk> put) throws StoreException {
    StoredChunk stored = Awaiting.result(put);
    if (stored.outcome() == StoredChunk.Outcome.NEW) {
      nodesNew++;
      nodeBytesStored += stored.storedBytes();
    }
  }
}
