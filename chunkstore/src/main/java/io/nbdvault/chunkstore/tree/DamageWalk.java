package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.TreeNode;

/**
 * Walks a tree whatever is damaged in it: a node that cannot be read is told as the whole range
 * that it stands for, and the walk goes on behind it.
 */
public final class DamageWalk {
  /** Is shown the tree. */
  public interface Visitor {
    /**
     * Is asked before a node is read.
     *
     * @param level the node's level
     * @param full whether its place calls for as many children as a node can have: nodes of the
     *     same id in two such places of one level are right in both or in none
     * @return whether to read it and to go on below it
     */
    boolean enter(ChunkId node, int level, boolean full) throws StoreException;

    /**
     * Is shown a chunk that is not zero.
     *
     * @return whether it is whole
     */
    boolean chunk(ChunkId id, long chunkIndex) throws StoreException;

    /** Is told of a node that cannot be read, or that is in the wrong place. */
    void damaged(ChunkId node, long firstChunk, long chunkCount, DamagedException damage)
        throws StoreException;

    /** Is told of a node below which everything is whole, after all of that was visited. */
    void whole(ChunkId node, int level, boolean full) throws StoreException;
  }

  private final TreeShape shape;
  private final CheckedNodes nodes;
  private final Visitor visitor;

  private DamageWalk(TreeShape shape, NodeSource source, Visitor visitor) {
    this.shape = shape;
    this.nodes = new CheckedNodes(shape, source);
    this.visitor = visitor;
  }

  /** Visits a tree in ascending order, leaving out what holds only zeros. */
  public static void walk(TreeShape shape, ChunkId root, NodeSource source, Visitor visitor)
      throws StoreException {
    if (!root.isZero() && shape.chunkCount() > 0) {
      new DamageWalk(shape, source, visitor).visitNode(root, shape.rootLevel(), 0);
    }
  }

  /** Returns whether everything below is whole. The depth is at most the tree's height: 7. */
  private boolean visitNode(ChunkId id, int level, long nodeIndex) throws StoreException {
    boolean full = shape.childCount(level, nodeIndex) == TreeShape.FANOUT;
    if (!visitor.enter(id, level, full)) {
      return true;
    }
    TreeNode node;
    try {
      node = nodes.read(id, level, nodeIndex);
    } catch (DamagedException e) {
      long first = nodeIndex << (TreeShape.FANOUT_BITS * (level + 1));
      long count = Math.min(TreeShape.childSpan(level + 1), shape.chunkCount() - first);
      visitor.damaged(id, first, count, e);
      return false;
    }
    boolean whole = true;
    for (int slot = 0; slot < node.count(); slot++) {
      ChunkId child = node.child(slot);
      long childIndex = (nodeIndex << TreeShape.FANOUT_BITS) + slot;
      if (!child.isZero()) {
        whole &=
            level == 0 ? visitor.chunk(child, childIndex) : visitNode(child, level - 1, childIndex);
      }
    }
    if (whole) {
      visitor.whole(id, level, full);
    }
    return whole;
  }
}
