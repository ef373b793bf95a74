package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
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

  private TreeWalk(TreeShape shape, NodeSource source, long first, long end, Visitor visitor) {
    this.nodes = new CheckedNodes(shape, source);
    this.first = first;
    this.end = end;
    this.visitor = visitor;
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
      new TreeWalk(shape, source, first, end, visitor).visitNode(root, shape.rootLevel(), 0);
    }
  }

  /** Returns false when the visitor wants no more. The depth is at most the tree's height: 7. */
  private boolean visitNode(ChunkId id, int level, long nodeIndex) throws IOException {
    TreeNode node = nodes.read(id, level, nodeIndex);
    long firstOfNode = nodeIndex << (TreeShape.FANOUT_BITS * (level + 1));
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
