package io.nbdvault.chunkstore;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * A repository that is open. Every snapshot in it is complete and stands alone.
 *
 * <p>All methods may be called by any thread. Take care when adding to this interface: an
 * implementation may keep its bytes on another machine and share them with other processes.
 */
public interface ChunkStore extends SnapshotCatalog, AutoCloseable {
  /** What was decided when the repository was created. */
  RepositoryConfig config();

  /**
   * Forgets snapshots, all of them or none: they cannot be read any more, and a later collection
   * reclaims what only they hold. Until it does, {@link #undelete} brings them back. Durable when
   * this returns. Forgetting what is forgotten does nothing. Readers and sessions that rely on one
   * keep what they need until they are closed.
   *
   * @throws NoSuchSnapshotException if one of them is not there
   * @throws ProtectedSnapshotException if one of them is protected
   * @throws IllegalStateException if the store was opened for reading only
   */
  void forget(Set<SnapshotId> ids) throws StoreException;

  /**
   * Brings a forgotten snapshot back, whole. Durable when this returns. Does nothing to one that is
   * not forgotten.
   *
   * @throws NoSuchSnapshotException if it is not there, or if a collection has begun to reclaim it
   * @throws IllegalStateException if the store was opened for reading only
   */
  void undelete(SnapshotId id) throws StoreException;

  /**
   * Protects a snapshot from being forgotten, or no longer. Durable when this returns.
   *
   * @throws NoSuchSnapshotException if it is not there or is forgotten
   * @throws IllegalStateException if the store was opened for reading only
   */
  void setProtected(SnapshotId id, boolean isProtected) throws StoreException;

  /**
   * Reclaims what no snapshot, session or reader needs, and the forgotten snapshots with it.
   * Backups, restores and everything else may go on meanwhile; only one collection runs at a time.
   * If it is killed, or its thread is interrupted, nothing is lost, and the next one goes on from
   * there. Works where no space is left.
   *
   * @param listener is told how far it is
   * @throws DamagedException if something that a snapshot needs is missing or cannot be read: then
   *     nothing is deleted
   * @throws StoreFailedException if a collection is under way already, or the thread is interrupted
   * @throws IllegalStateException if the store was opened for reading only, and this is not a dry
   *     run
   */
  CollectReport collect(CollectOptions options, CollectListener listener) throws StoreException;

  /**
   * Begins a snapshot. Several may be under way at once.
   *
   * @param parents the snapshots whose trees the new one may start from, kept from being reclaimed
   *     while the session is open; a disk that was left out of the latest one continues from an
   *     earlier one
   * @param options how new chunks are stored
   * @throws NoSuchSnapshotException if one of the parents is not there or is forgotten
   * @throws IllegalStateException if the store was opened for reading only
   */
  BackupSession beginBackup(Set<SnapshotId> parents, BackupOptions options) throws StoreException;

  /** Begins a snapshot whose writes are not verified. */
  default BackupSession beginBackup(Set<SnapshotId> parents, Compression compression)
      throws StoreException {
    return beginBackup(parents, new BackupOptions(compression, false));
  }

  /**
   * Opens a snapshot for reading and keeps it from being reclaimed until the reader is closed.
   *
   * @throws NoSuchSnapshotException if it is not there or is forgotten
   */
  SnapshotReader open(SnapshotId id) throws StoreException;

  /**
   * Shows in what two snapshots differ. Reads only those nodes of their trees that do, so the cost
   * grows with the number of differences. Both are kept from being reclaimed meanwhile.
   *
   * @throws NoSuchSnapshotException if one of them is not there or is forgotten
   * @throws DamagedException if a node cannot be read
   * @throws IOException what the visitor threw
   */
  void diff(SnapshotId from, SnapshotId to, DiffVisitor visitor) throws IOException;

  /**
   * What is damaged, so that snapshots are not among {@link #catalog}: rows of the catalog that
   * cannot be read, and the end of the database if it is missing.
   */
  List<DamagedItem> damagedSnapshots() throws StoreException;

  /**
   * Looks for damage: reads the trees of snapshots and the records they need, in the order in which
   * these lie, and checks every one. Runs beside everything else. If the store is open for writing,
   * damaged content is flagged, as {@link #flagDamaged} does.
   *
   * @throws NoSuchSnapshotException if one of the chosen snapshots is not there or is forgotten
   */
  VerifyReport verify(VerifyOptions options, VerifyListener listener) throws StoreException;

  /**
   * Flags damaged content, after looking at it again: from then on it counts as absent, and the
   * next backup that meets it stores it anew, for all snapshots that need it. What can be read of
   * the damaged record is kept first. Where only the row in the index is wrong and the record is
   * found, the row is made anew. Durable when this returns.
   *
   * @return how much was flagged that was not before, or mended
   * @throws IllegalStateException if the store was opened for reading only
   */
  long flagDamaged(Collection<DamagedContent> contents) throws StoreException;

  /** Does the same with all damaged content that a verification found, listed or not. */
  long flagDamaged(VerifyReport report) throws StoreException;

  /** Whether anything is flagged as damaged and was not stored anew since. Costs nothing. */
  boolean knowsDamage();

  /**
   * Looks through one disk of a snapshot for content that is flagged as damaged, and for nodes of
   * its tree that cannot be read. Reads every node once, and no chunk: what nobody has noticed of a
   * chunk is not found. Whoever would build upon the disk asks this first, if the store {@linkplain
   * #knowsDamage knows} of any damage.
   *
   * @return what was found, at most {@link VerifyReport#CONTENTS_MAX}; what of it is not flagged
   *     yet is left so
   * @throws NoSuchSnapshotException if the snapshot is not there or is forgotten
   * @throws IllegalArgumentException if it has no disk of that name
   */
  List<DamagedContent> findDamage(SnapshotId id, String disk) throws StoreException;

  /**
   * Adds up what the store holds, and for whom. Beside backups and collections: what comes and goes
   * meanwhile may be counted or not. The trees of the snapshots are read once, whatever they share.
   *
   * @throws DamagedException if a node cannot be read
   */
  StoreStatistics statistics(StatisticsListener listener) throws StoreException;

  /**
   * Closes the store. Collections, verifications, comparisons and statistics that are under way are
   * interrupted, and fail with a {@link StoreException} or an {@link IllegalStateException}; this
   * waits for them, half a minute at most, and for every read that is under way. Sessions that are
   * still open are aborted and readers end: their methods throw {@link IllegalStateException} from
   * then on. Closing twice does nothing.
   */
  @Override
  void close();
}
