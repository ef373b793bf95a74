package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.OptionalLong;

/**
 * The nodes of one tree, read with a check that each has the level and the number of children that
 * its place calls for. A node whose bytes have its id may still be in the wrong place.
 *
 * @param shape the tree's shape
 * @param source where nodes are read
 */
record CheckedNodes(TreeShape shape, NodeSource source) {
  TreeNode read(ChunkId id, int level, long nodeIndex) throws StoreException {
    TreeNode node = source.read(id);
    int count = shape.childCount(level, nodeIndex);
    if (node.level() != level || node.count() != count) {
      String found = "level " + node.level() + " with " + node.count() + " children";
      String expected = "level " + level + " with " + count;
      throw new DamagedException(
          "node " + id, OptionalLong.empty(), found + " (expected: " + expected + ")", null);
    }
    return node;
  }
}
