package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.format.TreeNode;

/**
 * The shape of a disk's tree, which follows from the number of its chunks alone.
 *
 * @param chunkCount how many chunks the disk has; the last may be short
 * @param height how many levels the tree has; at least 1
 */
public record TreeShape(long chunkCount, int height) {
  static final int FANOUT_BITS = 7;
  static final int FANOUT = 1 << FANOUT_BITS;

  /** Checks that the height follows from the number of chunks. */
  public TreeShape {
    if (chunkCount < 0 || height != heightOf(chunkCount) || height > TreeNode.LEVEL_MAX + 1) {
      throw new IllegalArgumentException(
          "tree of " + chunkCount + " chunks: height " + height + " (expected: what follows)");
    }
  }

  /**
   * The shape for a disk.
   *
   * @param sizeBytes the disk's size
   * @param chunkSizeBytes a power of two
   */
  public static TreeShape ofDisk(long sizeBytes, int chunkSizeBytes) {
    long count = sizeBytes / chunkSizeBytes + (sizeBytes % chunkSizeBytes == 0 ? 0 : 1);
    return new TreeShape(count, heightOf(count));
  }

  /** The level of the root. */
  int rootLevel() {
    return height - 1;
  }

  /** How many chunks a full child of a node of that level stands for. */
  static long childSpan(int level) {
    return 1L << (FANOUT_BITS * level);
  }

  /** The index of the node of that level that a chunk lies under. */
  static long nodeIndex(long chunkIndex, int level) {
    return chunkIndex >> (FANOUT_BITS * (level + 1));
  }

  /** The slot of the node of that level that a chunk lies under. */
  static int slot(long chunkIndex, int level) {
    return (int) (chunkIndex >> (FANOUT_BITS * level)) & (FANOUT - 1);
  }

  /** How many children that node of that level has. */
  int childCount(int level, long nodeIndex) {
    long span = childSpan(level);
    long children = chunkCount / span + (chunkCount % span == 0 ? 0 : 1);
    return (int) Math.min(FANOUT, children - (nodeIndex << FANOUT_BITS));
  }

  private static int heightOf(long chunkCount) {
    int height = 1;
    while (FANOUT_BITS * height < Long.SIZE - 1 && childSpan(height) < chunkCount) {
      height++;
    }
    return height;
  }
}
