package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.DamageWalk;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.util.Arrays;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Walks the trees of disks, twice: first to learn which records they need, then, if some are
 * damaged, to learn where on the disks those are. A node that many snapshots share is walked below
 * once in the first walk, and once in the second if all below it is whole.
 */
final class VerifyTrees {
  private final ContentReader reader;
  private final int chunkSizeBytes;
  private final VerifyFindings findings;
  private final VerifyMeter meter;

  VerifyTrees(
      ContentReader reader, int chunkSizeBytes, VerifyFindings findings, VerifyMeter meter) {
    this.reader = reader;
    this.chunkSizeBytes = chunkSizeBytes;
    this.findings = findings;
    this.meter = meter;
  }

  /** Nodes that need not be walked again, by level; by ordinal, so that they take little room. */
  private static final class NodeSets {
    private final Roaring64Bitmap[] byLevel = new Roaring64Bitmap[TreeNode.LEVEL_MAX + 1];

    NodeSets() {
      Arrays.setAll(byLevel, level -> new Roaring64Bitmap());
    }

    boolean contains(int level, long ordinal) {
      return byLevel[level].contains(ordinal);
    }

    void add(int level, long ordinal) {
      byLevel[level].addLong(ordinal);
    }
  }

  /** Begins the first walk: adds the ordinals of all that the trees consist of. */
  TreePass collecting(Roaring64Bitmap wanted) {
    return new Collecting(wanted);
  }

  /** Begins the second walk: tells the findings the ranges that need one of these records. */
  TreePass locating(Roaring64Bitmap damaged) {
    return new Locating(damaged);
  }

  /** One walk through the trees of many snapshots. */
  abstract static class TreePass {
    abstract void walk(SnapshotRecord snapshot) throws StoreException;
  }

  /** What the two walks have in common. */
  private abstract class DiskPass extends TreePass {
    private final NodeSets done = new NodeSets();

    abstract DamageWalk.Visitor visitor(SnapshotRecord snapshot, DiskRecord disk);

    @Override
    void walk(SnapshotRecord snapshot) throws StoreException {
      for (DiskRecord disk : snapshot.disks()) {
        if (!meter.hasEnded()) {
          TreeShape shape = TreeShape.ofDisk(disk.sizeBytes(), chunkSizeBytes);
          DamageWalk.walk(shape, disk.root(), VerifyTrees.this::read, visitor(snapshot, disk));
        }
      }
    }

    /** Whether a node was not seen yet in such a place. */
    boolean isDone(IndexRow row, int level, boolean full) {
      return full && done.contains(level, row.ordinal());
    }

    void setDone(IndexRow row, int level, boolean full) {
      if (full) {
        done.add(level, row.ordinal());
      }
    }
  }

  private final class Collecting extends DiskPass {
    private final Roaring64Bitmap wanted;

    Collecting(Roaring64Bitmap wanted) {
      this.wanted = wanted;
    }

    @Override
    DamageWalk.Visitor visitor(SnapshotRecord snapshot, DiskRecord disk) {
      return new DamageWalk.Visitor() {
        @Override
        public boolean enter(ChunkId node, int level, boolean full) throws StoreException {
          IndexRow row = lookUp(new IndexKey(RecordType.NODE, node));
          if (row == null) {
            return meter.advance();
          }
          wanted.addLong(row.ordinal());
          if (isDone(row, level, full)) {
            return false;
          }
          setDone(row, level, full);
          return meter.advance();
        }

        @Override
        public boolean chunk(ChunkId id, long chunkIndex) throws StoreException {
          IndexRow row = chunkRow(id, chunkIndex, disk);
          if (row != null) {
            wanted.addLong(row.ordinal());
          }
          return row != null;
        }

        @Override
        public void damaged(ChunkId node, long firstChunk, long count, DamagedException damage) {
          findings.content(new IndexKey(RecordType.NODE, node), damage.ordinal(), damage.reason());
        }

        @Override
        public void whole(ChunkId node, int level, boolean full) {
          // It was noted when it was entered.
        }
      };
    }
  }

  private final class Locating extends DiskPass {
    private final Roaring64Bitmap damagedOrdinals;

    Locating(Roaring64Bitmap damagedOrdinals) {
      this.damagedOrdinals = damagedOrdinals;
    }

    @Override
    DamageWalk.Visitor visitor(SnapshotRecord snapshot, DiskRecord disk) {
      return new DamageWalk.Visitor() {
        @Override
        public boolean enter(ChunkId node, int level, boolean full) throws StoreException {
          IndexRow row = lookUp(new IndexKey(RecordType.NODE, node));
          return meter.advance() && (row == null || !isDone(row, level, full));
        }

        @Override
        public boolean chunk(ChunkId id, long chunkIndex) throws StoreException {
          IndexRow row = chunkRow(id, chunkIndex, disk);
          boolean whole = row != null && !isDamaged(id, row);
          if (!whole) {
            findings.range(range(snapshot, disk, chunkIndex, 1));
          }
          return whole;
        }

        // The ordinal alone is not enough: two rows may name one record.
        private boolean isDamaged(ChunkId id, IndexRow row) {
          return damagedOrdinals.contains(row.ordinal())
              && findings.mayBeDamaged(new IndexKey(RecordType.CHUNK, id));
        }

        @Override
        public void damaged(ChunkId node, long firstChunk, long count, DamagedException damage) {
          findings.range(range(snapshot, disk, firstChunk, count));
        }

        @Override
        public void whole(ChunkId node, int level, boolean full) throws StoreException {
          IndexRow row = lookUp(new IndexKey(RecordType.NODE, node));
          if (row != null) {
            setDone(row, level, full);
          }
        }
      };
    }
  }

  private DamagedRange range(SnapshotRecord snapshot, DiskRecord disk, long first, long count) {
    long from = first * chunkSizeBytes;
    long end = Math.min(disk.sizeBytes(), (first + count) * chunkSizeBytes);
    return new DamagedRange(snapshot.id(), snapshot.vm(), disk.name(), from, end - from);
  }

  /** The row of a chunk, of the length that its place on the disk calls for, or null. */
  private @Nullable IndexRow chunkRow(ChunkId id, long chunkIndex, DiskRecord disk)
      throws StoreException {
    IndexKey key = new IndexKey(RecordType.CHUNK, id);
    IndexRow row = lookUp(key);
    long expected = Math.min(chunkSizeBytes, disk.sizeBytes() - chunkIndex * chunkSizeBytes);
    if (row != null && row.plainLength() != expected) {
      String lengths = row.plainLength() + " (expected: " + expected + ")";
      findings.content(key, OptionalLong.of(row.ordinal()), "plain length: " + lengths);
      return null;
    }
    return row;
  }

  /** The row of some content, or null; what is wrong with it is told to the findings. */
  private @Nullable IndexRow lookUp(IndexKey key) throws StoreException {
    try {
      IndexRow row = reader.lookUp(key);
      if (row == null) {
        findings.content(key, OptionalLong.empty(), "the index does not have it");
      }
      return row;
    } catch (DamagedException | StoreFailedException e) {
      findings.content(key, OptionalLong.empty(), "its row in the index: " + e.getMessage());
      return null;
    }
  }

  /** A disk that cannot be read is as damaged as one that gives wrong bytes. */
  private TreeNode read(ChunkId id) throws StoreException {
    try {
      return reader.read(id);
    } catch (StoreFailedException e) {
      throw new DamagedException("node " + id, OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }
}
