package io.nbdvault.chunkstore;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A snapshot in the making. Nothing of it can be seen in the catalog before it is committed. */
public interface BackupSession extends AutoCloseable {
  /** The id that the snapshot will have. */
  SnapshotId snapshotId();

  /**
   * Stores a chunk unless it is there already or holds only zeros. Many threads may call this at
   * once: the zero test, the id, the look-up and the compression happen on the caller's thread.
   * Blocks while the store's bounded queue of writes is full. The array is borrowed until this
   * method returns.
   *
   * <p>The future completes once the chunk can be read back; it is not durable before {@link
   * #commit}. It fails with a {@link StoreException}, and then the session cannot be committed any
   * more. What depends on it may run on the store's own thread, so it must be short and must not
   * call the store.
   *
   * @param length bytes of the chunk: 1 to the chunk size; less than that only for a disk's last
   * @throws IllegalStateException if the session is closed or committed
   */
  CompletableFuture<StoredChunk> put(byte[] plain, int offset, int length);

  /**
   * Begins the tree of a disk.
   *
   * @param sizeBytes the disk's size
   * @param parent the disk in one of the session's parent snapshots whose content is kept where the
   *     builder is told nothing else; empty for a disk of zeros
   * @throws IllegalArgumentException if the parent disk is not in a parent snapshot of the session
   *     or has another size
   */
  DiskTreeBuilder newDisk(long sizeBytes, Optional<DiskRecord> parent);

  /**
   * Makes the snapshot durable. This is the only point at which it comes into being: a crash before
   * leaves nothing of it, a crash after leaves all of it. Waits for every chunk that was put.
   *
   * <p>After a {@link StoreException} the snapshot is not in the catalog of this store; whether it
   * is durable is known when the repository has been opened again.
   *
   * @param record must have {@link #snapshotId}, and only disk roots that a builder of this session
   *     has finished or that a parent has
   * @return the record as it was stored
   * @throws IllegalArgumentException if the record is not of this session
   * @throws IllegalStateException if the session is closed or committed
   */
  SnapshotRecord commit(SnapshotRecord record) throws StoreException;

  /** Ends the session, and drops the snapshot if it was not committed. */
  @Override
  void close();
}
