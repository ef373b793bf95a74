package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;

/**
 * Finds where two trees differ. It reads only nodes whose ids differ, so the cost grows with the
 * number of differences, not with the size of the disks.
 *
 * <p>The disks may differ in size: then what lies past the end of the smaller one counts as zeros
 * there. A tree that is lower than the other is looked at as if it had more levels, with its root
 * below the first child of each. Where the smaller disk ends its nodes have fewer children, and so
 * other ids: that costs one path of nodes.
 */
public final class TreeDiff {
  /** Is shown where two trees differ. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * Is shown the chunks {@code [first, end)}, all of which differ; the chunks before and after do
     * not. Returns false to be shown no more.
     */
    boolean visit(long first, long end) throws IOException;
  }

  private final Side a;
  private final Side b;
  private final long firstWanted;
  private final long endWanted;
  private final Visitor visitor;

  /** The differing chunks that were not shown yet: none if both are equal. */
  private long first;

  private long end;

  private TreeDiff(Side a, Side b, long firstWanted, long endWanted, Visitor visitor) {
    this.a = a;
    this.b = b;
    this.firstWanted = firstWanted;
    this.endWanted = endWanted;
    this.visitor = visitor;
  }

  /**
   * One of the trees that are compared.
   *
   * @param source where its nodes are read
   */
  public record Tree(TreeShape shape, ChunkId root, NodeSource source) {}

  /** Shows where the trees differ, in ascending order. Holds two nodes of each level in memory. */
  public static void forEachRange(
      TreeShape shapeA,
      ChunkId rootA,
      TreeShape shapeB,
      ChunkId rootB,
      NodeSource source,
      Visitor visitor)
      throws IOException {
    forEachRange(
        new Tree(shapeA, rootA, source),
        new Tree(shapeB, rootB, source),
        0,
        Long.MAX_VALUE,
        visitor);
  }

  /**
   * Does so for the chunks of {@code [first, end)} only, and reads no node that has none of them.
   * What is shown is cut at both.
   *
   * @throws IllegalArgumentException if that is not a range
   */
  public static void forEachRange(Tree a, Tree b, long first, long end, Visitor visitor)
      throws IOException {
    if (first < 0 || end < first) {
      throw new IllegalArgumentException(
          "chunks: " + first + " to " + end + " (expected: 0 or more, ascending)");
    }
    int level = Math.max(a.shape().rootLevel(), b.shape().rootLevel());
    TreeDiff diff = new TreeDiff(Side.of(a), Side.of(b), first, end, visitor);
    if (first < end && diff.compareNodes(a.root(), b.root(), level, 0)) {
      diff.show();
    }
  }

  /** One of the trees. Above its root, the id of the root stands for the node that is not there. */
  private record Side(CheckedNodes nodes, ChunkId root) {
    static Side of(Tree tree) {
      return new Side(new CheckedNodes(tree.shape(), tree.source()), tree.root());
    }

    boolean isAboveRoot(int level) {
      return level > nodes.shape().rootLevel();
    }

    /** The children of the node of that id; fewer than there might be if the rest is zeros. */
    ChunkId[] children(ChunkId id, int level, long nodeIndex) throws StoreException {
      if (id.isZero()) {
        return new ChunkId[0];
      }
      return isAboveRoot(level) ? new ChunkId[] {id} : nodes.read(id, level, nodeIndex).children();
    }
  }

  /** Returns false when the visitor wants no more. The depth is at most a tree's height: 7. */
  private boolean compareNodes(ChunkId idA, ChunkId idB, int level, long nodeIndex)
      throws IOException {
    // Ids of nodes of different levels are never equal, since the level is part of what is hashed.
    if (idA.equals(idB)) {
      return true;
    }
    ChunkId[] childrenA = a.children(idA, level, nodeIndex);
    ChunkId[] childrenB = b.children(idB, level, nodeIndex);
    int count = Math.max(childrenA.length, childrenB.length);
    int endSlot = Math.min(count, slotOf(endWanted, level, nodeIndex, true));
    for (int slot = slotOf(firstWanted, level, nodeIndex, false); slot < endSlot; slot++) {
      ChunkId childA = slot < childrenA.length ? childrenA[slot] : ChunkId.ZERO;
      ChunkId childB = slot < childrenB.length ? childrenB[slot] : ChunkId.ZERO;
      long childIndex = (nodeIndex << TreeShape.FANOUT_BITS) + slot;
      boolean goesOn =
          level == 0
              ? compareChunks(childA, childB, childIndex)
              : compareNodes(childA, childB, level - 1, childIndex);
      if (!goesOn) {
        return false;
      }
    }
    return true;
  }

  /** The slot of that chunk, or of the first behind its child: 0 or all if it is outside. */
  private static int slotOf(long chunk, int level, long nodeIndex, boolean behind) {
    long span = TreeShape.childSpan(level);
    long child = chunk / span + (behind && chunk % span != 0 ? 1 : 0);
    long slot = child - (nodeIndex << TreeShape.FANOUT_BITS);
    return (int) Math.max(0, Math.min(TreeShape.FANOUT, slot));
  }

  private boolean compareChunks(ChunkId idA, ChunkId idB, long index) throws IOException {
    if (idA.equals(idB)) {
      return true;
    }
    if (index == end && first < end) {
      end++;
      return true;
    }
    boolean goesOn = show();
    first = index;
    end = index + 1;
    return goesOn;
  }

  private boolean show() throws IOException {
    return first == end || visitor.visit(first, end);
  }
}
