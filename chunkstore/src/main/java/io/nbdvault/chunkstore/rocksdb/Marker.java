package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import java.util.List;
import java.util.OptionalLong;
import org.roaringbitmap.longlong.LongIterator;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Marks what snapshots reach. A node is looked up and read once, whatever the number of trees that
 * share it. Chunks, of which there are a hundred times more, are not looked up one by one: their
 * ids are collected and sorted, a part of the id space at a time, and joined with one pass over the
 * index. If they do not fit into memory at once, the leaves are read again for the next part, in
 * the order in which they lie.
 *
 * <p>A node that cannot be read ends it: what lies below would be taken for unreachable. So does a
 * chunk that is not in the index: perhaps it is the index that is damaged, and the record is there.
 */
final class Marker {
  private final IndexScan index;
  private final ContentReader reader;
  private final CollectListener listener;
  private final PrefixSet part;
  private final Marks marks = new Marks();
  private final Roaring64Bitmap leaves = new Roaring64Bitmap();
  private long nodes;
  private long chunks;
  private int parts = 1;

  /**
   * Makes a marker.
   *
   * @param prefixesMax ids that are held in memory at once; 8 bytes each
   */
  Marker(IndexScan index, ContentReader reader, CollectListener listener, int prefixesMax) {
    this.index = index;
    this.reader = reader;
    this.listener = listener;
    this.part = new PrefixSet(prefixesMax);
  }

  /**
   * Marks everything that the snapshots reach, and the nodes themselves.
   *
   * @throws DamagedException if a node cannot be read
   */
  Marks mark(List<SnapshotRecord> roots) throws StoreException {
    for (SnapshotRecord root : roots) {
      for (DiskRecord disk : root.disks()) {
        if (!disk.root().isZero()) {
          markNode(disk.root());
        }
      }
    }
    markChunks();
    while (!part.isLastPart()) {
      part.beginNextPart();
      parts++;
      collectFromLeaves();
      markChunks();
    }
    listener.progress(Phase.MARK, nodes, 0);
    return marks;
  }

  /** How many nodes were marked. */
  long nodes() {
    return nodes;
  }

  /** In how many parts the ids of the chunks were gone over. */
  int parts() {
    return parts;
  }

  /** How many chunks were marked. */
  long chunks() {
    return chunks;
  }

  /** The depth is at most the height of a tree: 7. */
  private void markNode(ChunkId id) throws StoreException {
    Interruption.check("marking");
    IndexKey key = new IndexKey(RecordType.NODE, id);
    IndexRow row = reader.lookUp(key);
    if (row == null) {
      throw new DamagedException(key.toString(), OptionalLong.empty(), "is missing", null);
    }
    if (!marks.add(row.ordinal())) {
      return;
    }
    TreeNode node = reader.readNode(id, row);
    nodes++;
    listener.progress(Phase.MARK, nodes, 0);
    if (node.level() == 0) {
      leaves.addLong(row.ordinal());
      collect(node);
      return;
    }
    for (int slot = 0; slot < node.count(); slot++) {
      if (!node.child(slot).isZero()) {
        markNode(node.child(slot));
      }
    }
  }

  private void collectFromLeaves() throws StoreException {
    for (LongIterator ordinals = leaves.getLongIterator(); ordinals.hasNext(); ) {
      Interruption.check("marking");
      collect(reader.readNodeAt(ordinals.next()));
    }
  }

  private void collect(TreeNode leaf) {
    for (int slot = 0; slot < leaf.count(); slot++) {
      if (!leaf.child(slot).isZero()) {
        part.add(leaf.child(slot));
      }
    }
  }

  private void markChunks() throws StoreException {
    Found found = new Found();
    index.forEachChunk(
        part.first(),
        part.last(),
        (key, row) -> {
          if (part.contains(key.id())) {
            found.add(key.id());
            if (marks.add(row.ordinal())) {
              chunks++;
            }
          }
        });
    long missing = part.count() - found.prefixes;
    if (missing > 0) {
      throw new DamagedException(
          "index",
          OptionalLong.empty(),
          missing
              + " chunks that snapshots need are not in it; run `nbdvault verify`, then `nbdvault"
              + " repair`",
          null);
    }
  }

  /**
   * Counts the different prefixes of ids that come in their order. Not the rows: whoever chooses
   * what a disk holds can make two ids that begin alike, and the row of one of them must not stand
   * for that of another chunk, which is lost.
   */
  private static final class Found {
    private long prefixes;
    private long last;

    void add(ChunkId id) {
      long prefix = IdPart.prefixOf(id);
      if (prefixes == 0 || prefix != last) {
        prefixes++;
        last = prefix;
      }
    }
  }
}
