package io.nbdvault.chunkstore;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A repository that is open. Every snapshot in it is complete and stands alone.
 *
 * <p>All methods may be called by any thread. Take care when adding to this interface: an
 * implementation may keep its bytes on another machine and share them with other processes.
 */
public interface ChunkStore extends AutoCloseable {
  /** What was decided when the repository was created. */
  RepositoryConfig config();

  /**
   * The committed snapshots, oldest first. A store opened for reading only shows those that were
   * there when it was opened.
   */
  List<SnapshotRecord> snapshots() throws StoreException;

  /** The committed snapshot of that id, if there is one. */
  Optional<SnapshotRecord> snapshot(SnapshotId id) throws StoreException;

  /**
   * Begins a snapshot. Several may be under way at once.
   *
   * @param parents the snapshots whose trees the new one may start from, kept from being reclaimed
   *     while the session is open; a disk that was left out of the latest one continues from an
   *     earlier one
   * @param compression for the new chunks
   * @throws NoSuchSnapshotException if one of the parents is not there
   * @throws IllegalStateException if the store was opened for reading only
   */
  BackupSession beginBackup(Set<SnapshotId> parents, Compression compression) throws StoreException;

  /**
   * Opens a snapshot for reading and keeps it from being reclaimed until the reader is closed.
   *
   * @throws NoSuchSnapshotException if it is not there
   */
  SnapshotReader open(SnapshotId id) throws StoreException;

  /**
   * Closes the store. Sessions that are still open are aborted and readers end: their methods throw
   * {@link IllegalStateException} from then on. Closing twice does nothing.
   */
  @Override
  void close();
}
