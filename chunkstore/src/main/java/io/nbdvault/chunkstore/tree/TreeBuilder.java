package io.nbdvault.chunkstore.tree;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.TreeNode;
import org.jspecify.annotations.Nullable;

/**
 * Builds a tree by copying the paths of its parent that lie above what changed.
 *
 * <p>One path from the root down is open at any time: the nodes above the place that was set last,
 * down to some level. Setting a child moves the path: nodes that it leaves are closed, which stores
 * them if they changed and sets their id in the node above; nodes that it enters are read from the
 * parent's tree. Since places only ascend, no node is entered twice. A range of zeros is cut into
 * the largest subtrees that fit, and each is set to the id of zeros in the node above without being
 * entered.
 */
public final class TreeBuilder implements DiskTreeBuilder {
  private final TreeShape shape;
  private final ChunkId parentRoot;
  private final CheckedNodes parentNodes;
  private final NodeStores stores;

  /** The open path, by level; null below {@link #lowestOpen}. */
  private final @Nullable OpenNode[] path;

  /** The lowest level that is open; the height of the tree while none is. */
  private int lowestOpen;

  private long nextChunk;
  private boolean finished;

  /**
   * Begins a tree.
   *
   * @param parentRoot root of a tree of the same shape whose content is kept where nothing else is
   *     set; {@link ChunkId#ZERO} for none
   */
  public TreeBuilder(TreeShape shape, ChunkId parentRoot, NodeSource source, NodeSink sink) {
    this.shape = shape;
    this.parentRoot = parentRoot;
    this.parentNodes = new CheckedNodes(shape, source);
    this.stores = new NodeStores(sink);
    this.path = new OpenNode[shape.height()];
    this.lowestOpen = shape.height();
  }

  @Override
  public void append(long chunkIndex, ChunkId id) throws StoreException {
    checkRange(chunkIndex, 1);
    openPathTo(chunkIndex, 0).set(TreeShape.slot(chunkIndex, 0), id);
    nextChunk = chunkIndex + 1;
  }

  @Override
  public void appendZeros(long firstChunk, long chunkCount) throws StoreException {
    checkRange(firstChunk, chunkCount);
    long end = firstChunk + chunkCount;
    // The last child of a node may stand for fewer chunks than its place could hold.
    long limit = end == shape.chunkCount() ? Long.MAX_VALUE : end;
    long chunk = firstChunk;
    while (chunk < end) {
      int level = levelOfLargestChild(chunk, limit);
      openPathTo(chunk, level).set(TreeShape.slot(chunk, level), ChunkId.ZERO);
      chunk += TreeShape.childSpan(level);
    }
    nextChunk = Math.max(nextChunk, end);
  }

  @Override
  public DiskRoot finish() throws StoreException {
    checkOpen();
    finished = true;
    if (lowestOpen == shape.height()) {
      return stores.finish(parentRoot);
    }
    closeBelow(shape.rootLevel());
    return stores.finish(stores.close(open(shape.rootLevel())));
  }

  private void checkRange(long firstChunk, long chunkCount) {
    checkOpen();
    if (firstChunk < nextChunk
        || chunkCount < 0
        || firstChunk > shape.chunkCount()
        || chunkCount > shape.chunkCount() - firstChunk) {
      throw new IllegalArgumentException(
          "chunks: "
              + chunkCount
              + " from "
              + firstChunk
              + " (expected: within "
              + nextChunk
              + " to "
              + shape.chunkCount()
              + ")");
    }
  }

  private void checkOpen() {
    if (finished) {
      throw new IllegalStateException("the tree is finished");
    }
  }

  /** The highest level of which a child begins at the chunk and does not reach past the limit. */
  private int levelOfLargestChild(long chunk, long limit) {
    int level = 0;
    while (level < shape.rootLevel()) {
      long span = TreeShape.childSpan(level + 1);
      if ((chunk & (span - 1)) != 0 || span > limit - chunk) {
        break;
      }
      level++;
    }
    return level;
  }

  /** Moves the open path so that it ends with the node of that level above that chunk. */
  private OpenNode openPathTo(long chunk, int level) throws StoreException {
    if (lowestOpen == shape.height()) {
      lowestOpen = shape.rootLevel();
      path[lowestOpen] = load(parentRoot, lowestOpen, 0);
    }
    int common = Math.max(lowestOpen, level);
    while (open(common).index() != TreeShape.nodeIndex(chunk, common)) {
      common++;
    }
    closeBelow(common);
    while (lowestOpen > level) {
      OpenNode above = open(lowestOpen);
      ChunkId child = above.child(TreeShape.slot(chunk, lowestOpen));
      lowestOpen--;
      path[lowestOpen] = load(child, lowestOpen, TreeShape.nodeIndex(chunk, lowestOpen));
    }
    return open(level);
  }

  private void closeBelow(int level) throws StoreException {
    for (; lowestOpen < level; lowestOpen++) {
      OpenNode closing = open(lowestOpen);
      int slot = (int) (closing.index() & (TreeShape.FANOUT - 1));
      open(lowestOpen + 1).set(slot, stores.close(closing));
      path[lowestOpen] = null;
    }
  }

  private OpenNode open(int level) {
    OpenNode node = path[level];
    if (node == null) {
      throw new IllegalStateException("no node is open at level " + level);
    }
    return node;
  }

  private OpenNode load(ChunkId id, int level, long nodeIndex) throws StoreException {
    if (id.isZero()) {
      return OpenNode.ofZeros(level, nodeIndex, shape.childCount(level, nodeIndex));
    }
    TreeNode node = parentNodes.read(id, level, nodeIndex);
    return new OpenNode(id, level, nodeIndex, node.children());
  }
}
