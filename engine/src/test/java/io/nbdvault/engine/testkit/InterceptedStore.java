package io.nbdvault.engine.testkit;

import io.nbdvault.chunkstore.BackupOptions;
import io.nbdvault.chunkstore.BackupSession;
import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.CollectListener;
import io.nbdvault.chunkstore.CollectOptions;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DiffVisitor;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskTreeBuilder;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StatisticsListener;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.VerifyListener;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A real store in which a test does something at the two instants that matter most: when the last
 * byte of a disk has been stored, and instead of or before the commit.
 */
public record InterceptedStore(ChunkStore store, Step afterDisk, Step beforeCommit)
    implements ChunkStore {

  /** What a test does; what it throws, the store throws. */
  public interface Step {
    void run() throws StoreException;
  }

  @Override
  public RepositoryConfig config() {
    return store.config();
  }

  @Override
  public List<SnapshotRecord> snapshots() throws StoreException {
    return store.snapshots();
  }

  @Override
  public Optional<SnapshotRecord> snapshot(SnapshotId id) throws StoreException {
    return store.snapshot(id);
  }

  @Override
  public List<CatalogEntry> catalog() throws StoreException {
    return store.catalog();
  }

  @Override
  public List<DamagedItem> damagedSnapshots() throws StoreException {
    return store.damagedSnapshots();
  }

  @Override
  public VerifyReport verify(VerifyOptions options, VerifyListener listener) throws StoreException {
    return store.verify(options, listener);
  }

  @Override
  public long flagDamaged(Collection<DamagedContent> contents) throws StoreException {
    return store.flagDamaged(contents);
  }

  @Override
  public long flagDamaged(VerifyReport report) throws StoreException {
    return store.flagDamaged(report);
  }

  @Override
  public boolean knowsDamage() {
    return store.knowsDamage();
  }

  @Override
  public List<DamagedContent> findDamage(SnapshotId id, String disk) throws StoreException {
    return store.findDamage(id, disk);
  }

  @Override
  public void forget(Set<SnapshotId> ids) throws StoreException {
    store.forget(ids);
  }

  @Override
  public void undelete(SnapshotId id) throws StoreException {
    store.undelete(id);
  }

  @Override
  public void setProtected(SnapshotId id, boolean isProtected) throws StoreException {
    store.setProtected(id, isProtected);
  }

  @Override
  public CollectReport collect(CollectOptions options, CollectListener listener)
      throws StoreException {
    return store.collect(options, listener);
  }

  @Override
  public BackupSession beginBackup(Set<SnapshotId> parents, BackupOptions options)
      throws StoreException {
    return new Session(store.beginBackup(parents, options));
  }

  @Override
  public SnapshotReader open(SnapshotId id) throws StoreException {
    return store.open(id);
  }

  @Override
  public void diff(SnapshotId from, SnapshotId to, DiffVisitor visitor) throws IOException {
    store.diff(from, to, visitor);
  }

  @Override
  public StoreStatistics statistics(StatisticsListener listener) throws StoreException {
    return store.statistics(listener);
  }

  @Override
  public void close() {
    store.close();
  }

  private final class Session implements BackupSession {
    private final BackupSession session;

    Session(BackupSession session) {
      this.session = session;
    }

    @Override
    public SnapshotId snapshotId() {
      return session.snapshotId();
    }

    @Override
    public CompletableFuture<StoredChunk> put(byte[] plain, int offset, int length) {
      return session.put(plain, offset, length);
    }

    @Override
    public DiskTreeBuilder newDisk(long sizeBytes, Optional<DiskRecord> parent) {
      return new Tree(session.newDisk(sizeBytes, parent));
    }

    @Override
    public SnapshotRecord commit(SnapshotRecord record) throws StoreException {
      beforeCommit.run();
      return session.commit(record);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  private final class Tree implements DiskTreeBuilder {
    private final DiskTreeBuilder tree;

    Tree(DiskTreeBuilder tree) {
      this.tree = tree;
    }

    @Override
    public void append(long chunkIndex, ChunkId id) throws StoreException {
      tree.append(chunkIndex, id);
    }

    @Override
    public void appendZeros(long firstChunk, long chunkCount) throws StoreException {
      tree.appendZeros(firstChunk, chunkCount);
    }

    @Override
    public DiskRoot finish() throws StoreException {
      DiskRoot root = tree.finish();
      afterDisk.run();
      return root;
    }
  }
}
