package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.Arrays;

/** A node whose children are being set. */
final class OpenNode {
  private final ChunkId original;
  private final int level;
  private final long index;
  private final ChunkId[] children;
  private boolean changed;

  /** Takes ownership of the array. */
  OpenNode(ChunkId original, int level, long index, ChunkId[] children) {
    this.original = original;
    this.level = level;
    this.index = index;
    this.children = children;
  }

  static OpenNode ofZeros(int level, long index, int count) {
    ChunkId[] children = new ChunkId[count];
    Arrays.fill(children, ChunkId.ZERO);
    return new OpenNode(ChunkId.ZERO, level, index, children);
  }

  /** The node's index among those of its level. */
  long index() {
    return index;
  }

  ChunkId child(int slot) {
    return children[slot];
  }

  void set(int slot, ChunkId id) {
    changed |= !children[slot].equals(id);
    children[slot] = id;
  }

  /** Whether a child is another than in the parent's tree. */
  boolean changed() {
    return changed;
  }

  /** The id that the node had in the parent's tree. */
  ChunkId original() {
    return original;
  }

  boolean isZero() {
    for (ChunkId child : children) {
      if (!child.isZero()) {
        return false;
      }
    }
    return true;
  }

  TreeNode toNode() {
    return new TreeNode(level, children);
  }
}
