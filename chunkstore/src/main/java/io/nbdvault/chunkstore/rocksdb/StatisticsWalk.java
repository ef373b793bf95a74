package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StatisticsListener.Phase;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.util.OptionalLong;
import org.roaringbitmap.longlong.LongIterator;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Finds to whom everything in a store belongs, and adds it up by owner.
 *
 * <p>Trees first. A node has an owner; what lies below it belongs to that owner or to more. So a
 * node that another snapshot meets again is entered only if its owner changes thereby, which
 * happens twice at most, and leaves, which are nearly all of the nodes, are read once. Then the
 * chunks: the leaves' children, with the owners of the leaves, are sorted by id and joined with one
 * pass over the index, a part of the id space at a time.
 */
final class StatisticsWalk {
  private static final int PROGRESS_SHIFT = 48;

  private final ContentReader reader;
  private final IndexScan index;
  private final Owners owners;
  private final int chunkSizeBytes;
  private final int wordsMax;
  private final StatisticsListener listener;
  private final OwnedNodes nodes = new OwnedNodes(StoreLimits.statisticsNodes());
  private final Roaring64Bitmap leaves = new Roaring64Bitmap();
  private final Totals[] byOwner;
  private final Totals unreachable = new Totals();
  private long missingChunks;
  private long nodesRead;

  /** How often the leaves name a chunk. */
  private long references;

  /**
   * Makes a walk.
   *
   * @param wordsMax chunks that are held in memory at once; 8 bytes each
   */
  StatisticsWalk(
      ContentReader reader,
      IndexScan index,
      Owners owners,
      int chunkSizeBytes,
      int wordsMax,
      StatisticsListener listener) {
    this.reader = reader;
    this.index = index;
    this.owners = owners;
    this.chunkSizeBytes = chunkSizeBytes;
    this.wordsMax = wordsMax;
    this.listener = listener;
    this.byOwner = new Totals[owners.count()];
    for (int owner = 0; owner < byOwner.length; owner++) {
      byOwner[owner] = new Totals();
    }
  }

  /** A sum in the making. */
  private final class Totals {
    private long chunks;
    private long plainBytes;
    private long chunkStoredBytes;
    private long nodeCount;
    private long nodeStoredBytes;

    void add(IndexKey key, IndexRow row) throws StoreException {
      int recordLength =
          row.recordLength() == 0 ? reader.recordLength(key, row) : row.recordLength();
      if (key.type() == RecordType.NODE) {
        nodeCount++;
        nodeStoredBytes += recordLength;
      } else {
        chunks++;
        plainBytes += row.plainLength();
        chunkStoredBytes += recordLength;
      }
    }

    ContentTotals sum() {
      return new ContentTotals(chunks, plainBytes, chunkStoredBytes, nodeCount, nodeStoredBytes);
    }
  }

  /**
   * Walks the trees of a snapshot.
   *
   * @return bytes of its disks that do not lie in chunks of zeros
   */
  long addSnapshot(int owner, SnapshotRecord snapshot) throws StoreException {
    long dataBytes = 0;
    for (DiskRecord disk : snapshot.disks()) {
      TreeShape shape = TreeShape.ofDisk(disk.sizeBytes(), chunkSizeBytes);
      if (!disk.root().isZero()) {
        long chunks = meet(disk.root(), shape.height() - 1, owner);
        boolean whole = chunks > disk.sizeBytes() / chunkSizeBytes;
        dataBytes += whole ? disk.sizeBytes() : chunks * chunkSizeBytes;
      }
    }
    return dataBytes;
  }

  /** Adds everything up, once all snapshots were added. */
  void addUp() throws StoreException {
    index.forEachNode(
        (key, row) -> {
          int number = nodes.find(row.ordinal());
          (number == OwnedNodes.NONE ? unreachable : byOwner[nodes.owner(number)]).add(key, row);
        });
    int capacity = (int) Math.max(2, Math.min(wordsMax, references));
    OwnedChunks part = new OwnedChunks(capacity, owners);
    addChunks(part);
    while (!part.isLastPart()) {
      part.beginNextPart();
      addChunks(part);
    }
  }

  /** What belongs to an owner alone; see {@link Owners}. */
  ContentTotals of(int owner) {
    return byOwner[owner].sum();
  }

  /** What belongs to nobody. */
  ContentTotals unreachable() {
    return unreachable.sum();
  }

  long missingChunks() {
    return missingChunks;
  }

  /** How many nodes were read to find the owners. */
  long nodesRead() {
    return nodesRead;
  }

  /** Returns how many chunks of data lie below a node. The depth is at most a tree's height: 7. */
  private long meet(ChunkId id, int level, int owner) throws StoreException {
    Interruption.check("reading trees");
    IndexRow row = requireRow(id);
    long ordinal = row.ordinal();
    int number = nodes.find(ordinal);
    if (number != OwnedNodes.NONE) {
      share(id, row, level, number, owner);
      return nodes.dataChunks(number);
    }
    number = nodes.add(ordinal, owner);
    TreeNode node = read(id, row, level);
    long dataChunks = 0;
    for (int slot = 0; slot < node.count(); slot++) {
      if (!node.child(slot).isZero()) {
        dataChunks += level == 0 ? 1 : meet(node.child(slot), level - 1, owner);
      }
    }
    nodes.setDataChunks(number, dataChunks);
    if (level == 0) {
      leaves.addLong(ordinal);
      references += dataChunks;
    }
    listener.progress(Phase.TREES, nodes.count(), 0);
    return dataChunks;
  }

  /** Gives a node that was met before to another owner too, and all that lies below it. */
  private void share(ChunkId id, IndexRow row, int level, int number, int owner)
      throws StoreException {
    int joined = owners.join(nodes.owner(number), owner);
    if (joined == nodes.owner(number)) {
      return;
    }
    nodes.setOwner(number, joined);
    if (level == 0) {
      return;
    }
    TreeNode node = read(id, row, level);
    for (int slot = 0; slot < node.count(); slot++) {
      ChunkId child = node.child(slot);
      if (!child.isZero()) {
        IndexRow childRow = requireRow(child);
        share(child, childRow, level - 1, nodes.find(childRow.ordinal()), joined);
      }
    }
  }

  private IndexRow requireRow(ChunkId id) throws StoreException {
    IndexKey key = new IndexKey(RecordType.NODE, id);
    IndexRow row = reader.lookUp(key);
    if (row == null) {
      throw new DamagedException(key.toString(), OptionalLong.empty(), "is missing", null);
    }
    return row;
  }

  private TreeNode read(ChunkId id, IndexRow row, int level) throws StoreException {
    TreeNode node = reader.readNode(id, row);
    nodesRead++;
    if (node.level() != level) {
      String reason = "level " + node.level() + " (expected: " + level + ")";
      throw new DamagedException("node " + id, OptionalLong.empty(), reason, null);
    }
    return node;
  }

  private void addChunks(OwnedChunks part) throws StoreException {
    for (LongIterator ordinals = leaves.getLongIterator(); ordinals.hasNext(); ) {
      Interruption.check("reading trees");
      long ordinal = ordinals.next();
      int owner = nodes.owner(nodes.find(ordinal));
      TreeNode leaf = reader.readNodeAt(ordinal);
      for (int slot = 0; slot < leaf.count(); slot++) {
        if (!leaf.child(slot).isZero()) {
          part.add(leaf.child(slot), owner);
        }
      }
    }
    long[] found = new long[1];
    index.forEachChunk(
        part.first(),
        part.last(),
        (key, row) -> {
          int owner = part.owner(key.id());
          if (owner < 0) {
            unreachable.add(key, row);
          } else {
            found[0]++;
            byOwner[owner].add(key, row);
          }
          listener.progress(Phase.CHUNKS, key.id().a() >>> PROGRESS_SHIFT, 1 << 16);
        });
    missingChunks += Math.max(0, part.count() - found[0]);
  }
}
