package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.DamageWalk;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Looks through the tree of one disk for what is known to be damaged, and for damaged nodes. */
final class DiskDamage implements DamageWalk.Visitor {
  private final ContentReader reader;
  private final DamagedRows known;
  private final Map<IndexKey, DamagedContent> found = new LinkedHashMap<>();

  private DiskDamage(ContentReader reader, DamagedRows known) {
    this.reader = reader;
    this.known = known;
  }

  /** Finds it. Reads every node of the tree once, and no chunk. */
  static List<DamagedContent> find(
      DiskRecord disk, int chunkSizeBytes, ContentReader reader, DamagedRows known)
      throws StoreException {
    DiskDamage damage = new DiskDamage(reader, known);
    TreeShape shape = TreeShape.ofDisk(disk.sizeBytes(), chunkSizeBytes);
    DamageWalk.walk(shape, disk.root(), damage::read, damage);
    return List.copyOf(damage.found.values());
  }

  @Override
  public boolean enter(ChunkId node, int level, boolean full) throws StoreException {
    Interruption.check("looking for damage");
    noteIfKnown(new IndexKey(RecordType.NODE, node));
    return true;
  }

  @Override
  public boolean chunk(ChunkId id, long chunkIndex) throws StoreException {
    return noteIfKnown(new IndexKey(RecordType.CHUNK, id));
  }

  @Override
  public void damaged(ChunkId node, long firstChunk, long count, DamagedException damage) {
    note(new IndexKey(RecordType.NODE, node), damage.ordinal(), damage.reason());
  }

  @Override
  public void whole(ChunkId node, int level, boolean full) {}

  /** Returns whether it is whole as far as is known. */
  private boolean noteIfKnown(IndexKey key) throws StoreException {
    if (!known.contains(key)) {
      return true;
    }
    IndexRow row = lookUp(key);
    if (row != null && !row.damaged()) {
      return true;
    }
    note(
        key,
        row == null ? OptionalLong.empty() : OptionalLong.of(row.ordinal()),
        "was found damaged before");
    return false;
  }

  private @Nullable IndexRow lookUp(IndexKey key) throws StoreException {
    try {
      return reader.lookUp(key);
    } catch (DamagedException e) {
      return null;
    }
  }

  private void note(IndexKey key, OptionalLong ordinal, String reason) {
    if (found.size() < VerifyReport.CONTENTS_MAX) {
      boolean isNode = key.type() == RecordType.NODE;
      found.putIfAbsent(key, new DamagedContent(key.id(), isNode, ordinal, reason));
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
