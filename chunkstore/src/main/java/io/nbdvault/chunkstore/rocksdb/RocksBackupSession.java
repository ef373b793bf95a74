package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.codec.ChunkCodec;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.format.TreeNode;
import io.nbdvault.chunkstore.tree.NodeSink;
import io.nbdvault.chunkstore.tree.TreeBuilder;
import io.nbdvault.chunkstore.tree.TreeShape;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;

/**
 * A snapshot in the making. Lock order: {@link #life}, then the store's own locks; the store's gate
 * is never held while this lock is taken.
 */
final class RocksBackupSession implements BackupSession {
  /** A root that a record of this session may have. */
  private record KnownRoot(ChunkId root, long sizeBytes) {}

  private final SnapshotId id = SnapshotId.random();
  private final List<SnapshotRecord> parents;
  private final ChunkCodec codec;
  private final boolean verifyWrites;
  private final int chunkSizeBytes;
  private final byte[] zeros;
  private final long epoch;
  private final ContentCipher cipher;
  private final ContentReader reader;
  private final Intake intake;
  private final StoreWriter writer;
  private final Consumer<RocksBackupSession> onClose;
  private final Set<KnownRoot> knownRoots = ConcurrentHashMap.newKeySet();

  /** Held for reading while something is put, for writing while the session ends. */
  private final ReentrantReadWriteLock life = new ReentrantReadWriteLock();

  private volatile boolean failed;
  private boolean ended;

  RocksBackupSession(
      List<SnapshotRecord> parents,
      ChunkCodec codec,
      boolean verifyWrites,
      byte[] zeros,
      long epoch,
      ContentCipher cipher,
      ContentReader reader,
      Intake intake,
      StoreWriter writer,
      Consumer<RocksBackupSession> onClose) {
    this.parents = List.copyOf(parents);
    this.codec = codec;
    this.verifyWrites = verifyWrites;
    this.chunkSizeBytes = zeros.length;
    this.zeros = zeros;
    this.epoch = epoch;
    this.cipher = cipher;
    this.reader = reader;
    this.intake = intake;
    this.writer = writer;
    this.onClose = onClose;
    for (SnapshotRecord parent : parents) {
      parent.disks().forEach(disk -> knownRoots.add(new KnownRoot(disk.root(), disk.sizeBytes())));
    }
  }

  /** The store's epoch when the session began: what it relies on has this epoch or a later one. */
  long epoch() {
    return epoch;
  }

  /** The snapshots that the session keeps from being reclaimed. */
  List<SnapshotRecord> parents() {
    return parents;
  }

  @Override
  public SnapshotId snapshotId() {
    return id;
  }

  @Override
  public CompletableFuture<StoredChunk> put(byte[] plain, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, plain.length);
    if (length < 1 || length > chunkSizeBytes) {
      throw new IllegalArgumentException(
          "chunk length: " + length + " (expected: 1 to " + chunkSizeBytes + ")");
    }
    writer.requireOtherThread();
    life.readLock().lock();
    try {
      requireOpen();
      if (isZero(plain, offset, length, zeros)) {
        return CompletableFuture.completedFuture(
            new StoredChunk(ChunkId.ZERO, StoredChunk.Outcome.ZERO, 0));
      }
      ChunkId chunk = cipher.id(RecordType.CHUNK, plain, offset, length);
      IndexKey key = new IndexKey(RecordType.CHUNK, chunk);
      return noticeFailure(intake.put(key, plain, offset, length, codec, verifyWrites, epoch));
    } finally {
      life.readLock().unlock();
    }
  }

  /** Whether the content holds only zeros, as the other array does, which is not shorter. */
  static boolean isZero(byte[] plain, int offset, int length, byte[] zeros) {
    return Arrays.equals(plain, offset, offset + length, zeros, 0, length);
  }

  @Override
  public DiskTreeBuilder newDisk(long sizeBytes, Optional<DiskRecord> parentDisk) {
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("disk size: " + sizeBytes + " (expected: >= 0)");
    }
    parentDisk.ifPresent(disk -> checkParent(disk, sizeBytes));
    TreeShape shape = TreeShape.ofDisk(sizeBytes, chunkSizeBytes);
    ChunkId root = parentDisk.map(DiskRecord::root).orElse(ChunkId.ZERO);
    return new DiskBuilder(new TreeBuilder(shape, root, reader, this::putNode), sizeBytes);
  }

  @Override
  public SnapshotRecord commit(SnapshotRecord record) throws StoreException {
    writer.requireOtherThread();
    life.writeLock().lock();
    try {
      requireOpen();
      checkRecord(record);
      if (failed) {
        throw new StoreFailedException(
            "The snapshot lacks a chunk that could not be stored.", null);
      }
      ended = true;
      return writer.commit(record, cipher.snapshots());
    } finally {
      life.writeLock().unlock();
    }
  }

  @Override
  public void close() {
    writer.requireOtherThread();
    life.writeLock().lock();
    try {
      ended = true;
    } finally {
      life.writeLock().unlock();
    }
    onClose.accept(this);
  }

  private NodeSink.PendingNode putNode(TreeNode node) {
    writer.requireOtherThread();
    byte[] plain = node.encode();
    ChunkId nodeId = cipher.id(RecordType.NODE, plain, 0, plain.length);
    IndexKey key = new IndexKey(RecordType.NODE, nodeId);
    life.readLock().lock();
    try {
      requireOpen();
      return new NodeSink.PendingNode(
          nodeId,
          noticeFailure(intake.put(key, plain, 0, plain.length, codec, verifyWrites, epoch)));
    } finally {
      life.readLock().unlock();
    }
  }

  /**
   * A put that fails later than this does so because the writer has, and then a commit does too.
   */
  private CompletableFuture<StoredChunk> noticeFailure(CompletableFuture<StoredChunk> put) {
    if (put.isCompletedExceptionally()) {
      failed = true;
    }
    return put;
  }

  private void requireOpen() {
    if (ended) {
      throw new IllegalStateException("the session of snapshot " + id + " has ended");
    }
  }

  private void checkParent(DiskRecord disk, long sizeBytes) {
    if (parents.stream().noneMatch(parent -> parent.disks().contains(disk))) {
      throw new IllegalArgumentException(
          "parent disk: " + disk.name() + " (expected: one of the session's parent snapshots)");
    }
    if (disk.sizeBytes() != sizeBytes) {
      throw new IllegalArgumentException(
          "disk size: " + sizeBytes + " (expected: the parent's, " + disk.sizeBytes() + ")");
    }
  }

  private void checkRecord(SnapshotRecord record) {
    if (!record.id().equals(id)) {
      throw new IllegalArgumentException("snapshot id: " + record.id() + " (expected: " + id + ")");
    }
    for (DiskRecord disk : record.disks()) {
      if (!knownRoots.contains(new KnownRoot(disk.root(), disk.sizeBytes()))) {
        throw new IllegalArgumentException(
            "root of disk " + disk.name() + ": " + disk.root() + " (expected: a finished one)");
      }
    }
  }

  /** A tree builder that tells the session of its root. */
  private final class DiskBuilder implements DiskTreeBuilder {
    private final TreeBuilder tree;
    private final long sizeBytes;

    DiskBuilder(TreeBuilder tree, long sizeBytes) {
      this.tree = tree;
      this.sizeBytes = sizeBytes;
    }

    @Override
    public void append(long chunkIndex, ChunkId chunk) throws StoreException {
      tree.append(chunkIndex, chunk);
    }

    @Override
    public void appendZeros(long firstChunk, long chunkCount) throws StoreException {
      tree.appendZeros(firstChunk, chunkCount);
    }

    @Override
    public DiskRoot finish() throws StoreException {
      DiskRoot root = tree.finish();
      knownRoots.add(new KnownRoot(root.root(), sizeBytes));
      return root;
    }
  }
}
