package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamageVisitor;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.format.TreeNode;
import java.io.IOException;

/** Visits the chunks of a tree in ascending order, leaving out what holds only zeros. */
public final class TreeWalk {
  /** Is shown the chunks that are not zero. */
  @FunctionalInterface
  public interface Visitor {
    /** Is shown one chunk; returns false to be shown no more. */
    boolean visit(long chunkIndex, ChunkId id) throws IOException;
  }

  private final CheckedNodes nodes;
  private final long first;
  private final long end;
  private final Visitor visitor;
  private final DamageVisitor damaged;

  private TreeWalk(
      CheckedNodes nodes, long first, long end, Visitor visitor, DamageVisitor damaged) {
    this.nodes = nodes;
    this.first = first;
    this.end = end;
    this.visitor = visitor;
    this.damaged = damaged;
  }

  /**
   * Visits the chunks of {@code [first, end)}. Holds one node of each level in memory.
   *
   * @throws IllegalArgumentException if the range is not one of the disk's
   */
  public static void forEachChunk(
      TreeShape shape, ChunkId root, NodeSource source, long first, long end, Visitor visitor)
      throws IOException {
    if (first < 0 || end < first || end > shape.chunkCount()) {
      throw new IllegalArgumentException(
          "chunks: "
              + first
              + " to "
              + end
              + " (expected: within 0 to "
              + shape.chunkCount()
              + ")");
    }
    if (first < end && !root.isZero()) {
      CheckedNodes nodes = new CheckedNodes(shape, source);
      new TreeWalk(nodes, first, end, visitor, TreeWalk::fail)
          .visitNode(root, shape.rootLevel(), 0);
    }
  }

  /** Visits all chunks, and tells of nodes that cannot be read instead of ending there. */
  public static void forEachReadableChunk(
      TreeShape shape, ChunkId root, NodeSource source, Visitor visitor, DamageVisitor damaged)
      throws IOException {
    if (shape.chunkCount() > 0 && !root.isZero()) {
      CheckedNodes nodes = new CheckedNodes(shape, source);
      new TreeWalk(nodes, 0, shape.chunkCount(), visitor, damaged)
          .visitNode(root, shape.rootLevel(), 0);
    }
  }

  private static void fail(long firstChunk, long chunkCount, DamagedException damage)
      throws DamagedException {
    throw damage;
  }

  /** Returns false when the visitor wants no more. The depth is at most the tree's height: 7. */
  private boolean visitNode(ChunkId id, int level, long nodeIndex) throws IOException {
    long firstOfNode = nodeIndex << (TreeShape.FANOUT_BITS * (level + 1));
    TreeNode node;
    try {
      node = nodes.read(id, level, nodeIndex);
    } catch (DamagedException e) {
      long chunkCount = nodes.shape().chunkCount();
      long count = Math.min(TreeShape.childSpan(level + 1), chunkCount - firstOfNode);
      damaged.damaged(firstOfNode, count, e);
      return true;
    }
    boolean startsInside = TreeShape.nodeIndex(first, level) == nodeIndex && first > firstOfNode;
    int slot = startsInside ? TreeShape.slot(first, level) : 0;
    for (; slot < node.count(); slot++) {
      long childIndex = (nodeIndex << TreeShape.FANOUT_BITS) + slot;
      if (childIndex * TreeShape.childSpan(level) >= end) {
        return true;
      }
      ChunkId child = node.child(slot);
      if (!child.isZero() && !visitChild(child, level, childIndex)) {
        return false;
      }
    }
    return true;
  }

  private boolean visitChild(ChunkId child, int level, long childIndex) throws IOException {
    return level == 0 ? visitor.visit(childIndex, child) : visitNode(child, level - 1, childIndex);
  }
}
