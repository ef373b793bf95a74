package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChangeVisitor;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkVisitor;
import io.nbdvault.chunkstore.DamageVisitor;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.TreeDiff;
import io.nbdvault.chunkstore.tree.TreeShape;
import io.nbdvault.chunkstore.tree.TreeWalk;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** A snapshot that is open for reading. */
final class RocksSnapshotReader implements SnapshotReader {
  private final SnapshotRecord record;
  private final ContentReader reader;
  private final int chunkSizeBytes;
  private final Consumer<RocksSnapshotReader> onClose;
  private volatile boolean closed;

  RocksSnapshotReader(
      SnapshotRecord record,
      ContentReader reader,
      int chunkSizeBytes,
      Consumer<RocksSnapshotReader> onClose) {
    this.record = record;
    this.reader = reader;
    this.chunkSizeBytes = chunkSizeBytes;
    this.onClose = onClose;
  }

  @Override
  public SnapshotRecord record() {
    return record;
  }

  @Override
  public DiskReader disk(String name) {
    DiskRecord disk =
        record
            .disk(name)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "disk: " + name + " (expected: one of snapshot " + record.id() + ")"));
    return new Disk(disk);
  }

  @Override
  public void close() {
    closed = true;
    onClose.accept(this);
  }

  private ContentReader open() {
    if (closed) {
      throw new IllegalStateException("the reader of snapshot " + record.id() + " is closed");
    }
    return reader;
  }

  /** One disk of the snapshot. */
  private final class Disk implements DiskReader {
    private final DiskRecord disk;
    private final TreeShape shape;

    Disk(DiskRecord disk) {
      this.disk = disk;
      this.shape = TreeShape.ofDisk(disk.sizeBytes(), chunkSizeBytes);
    }

    @Override
    public long sizeBytes() {
      return disk.sizeBytes();
    }

    @Override
    public int chunkSizeBytes() {
      return chunkSizeBytes;
    }

    @Override
    public void forEachChunk(long first, long end, ChunkVisitor visitor) throws IOException {
      TreeWalk.forEachChunk(
          shape,
          disk.root(),
          id -> open().read(id),
          first,
          end,
          (index, id) -> visitor.visit(index, id, plainLength(index)));
    }

    @Override
    public void forEachReadableChunk(ChunkVisitor visitor, DamageVisitor damaged)
        throws IOException {
      TreeWalk.forEachReadableChunk(
          shape,
          disk.root(),
          this::readNode,
          (index, id) -> visitor.visit(index, id, plainLength(index)),
          damaged);
    }

    /** A node that the storage does not give back is as damaged as one that it gives back wrong. */
    private TreeNode readNode(ChunkId id) throws StoreException {
      try {
        return open().read(id);
      } catch (StoreFailedException e) {
        throw new DamagedException("node " + id, OptionalLong.empty(), "" + e.getMessage(), e);
      }
    }

    @Override
    public int read(ChunkId id, byte[] destination, int offset) throws StoreException {
      if (id.isZero()) {
        throw new IllegalArgumentException("chunk: " + id + " (expected: not the id of zeros)");
      }
      return open().readChunk(id, destination, offset);
    }

    @Override
    public boolean matches(ChunkId id, byte[] content, int offset, int length) {
      Objects.checkFromIndexSize(offset, length, content.length);
      return id.isZero()
          ? isZero(content, offset, length)
          : open().isChunk(id, content, offset, length);
    }

    /** Compares the content with itself, a byte further: the processor does many at once. */
    private static boolean isZero(byte[] content, int offset, int length) {
      int end = offset + length;
      return length == 0
          || (content[offset] == 0
              && Arrays.equals(content, offset, end - 1, content, offset + 1, end));
    }

    @Override
    public void forEachChange(DiskReader earlier, long first, long end, ChangeVisitor visitor)
        throws IOException {
      if (!(earlier instanceof Disk other) || other.chunkSizeBytes() != chunkSizeBytes) {
        throw new IllegalArgumentException("disk: " + earlier + " (expected: of this repository)");
      }
      if (end > shape.chunkCount()) {
        throw new IllegalArgumentException(
            "chunks: to " + end + " (expected: <= " + shape.chunkCount() + ")");
      }
      TreeDiff.forEachRange(other.tree(), tree(), first, end, visitor::visit);
    }

    private TreeDiff.Tree tree() {
      return new TreeDiff.Tree(shape, disk.root(), id -> open().read(id));
    }

    private int plainLength(long index) {
      return (int) Math.min(chunkSizeBytes, disk.sizeBytes() - index * chunkSizeBytes);
    }
  }
}
