package io.nbdvault.chunkstore;

import io.nbdvault.chunkstore.rocksdb.RocksRepository;
import java.nio.file.Path;

/** Creates and opens repositories that are directories of this machine. */
public final class Repositories {
  private Repositories() {}

  /**
   * Creates a repository. It is durable when this returns.
   *
   * @param dir must be empty or not exist, and then its parent must
   * @throws StoreFailedException if the directory is not empty or cannot be written; then nothing
   *     is changed
   */
  public static void create(Path dir, RepositoryOptions options) throws StoreException {
    RocksRepository.create(dir, options);
  }

  /**
   * Opens a repository for reading and writing, for this process alone.
   *
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   * @throws UnsupportedFormatException if it was written by a newer version
   */
  public static ChunkStore open(Path dir) throws StoreException {
    return RocksRepository.open(dir);
  }

  /**
   * Opens a repository as {@link #open} does, to forget, bring back or reclaim: works where no
   * space is left on the file system, since there is a file in reserve that is deleted then. It is
   * made again when the store is closed. Not for backups: they would take what reclaiming needs.
   *
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   * @throws UnsupportedFormatException if it was written by a newer version
   */
  public static ChunkStore openToReclaim(Path dir) throws StoreException {
    return RocksRepository.openToReclaim(dir);
  }

  /**
   * Opens a repository for reading only, also while another process writes to it. Takes no lock,
   * changes nothing, and shows the snapshots that are there now.
   *
   * @throws NoRepositoryException if there is none
   * @throws UnsupportedFormatException if it was written by a newer version
   */
  public static ChunkStore openReadOnly(Path dir) throws StoreException {
    return RocksRepository.openReadOnly(dir);
  }

  /**
   * Opens a repository as {@link #openReadOnly} does, also if files of it are missing or damaged:
   * what is whole can be read, the rest throws {@link DamagedException}. To look for damage.
   *
   * @throws NoRepositoryException if there is none
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws DamagedException if not even the list of its files can be read
   */
  public static ChunkStore openDamaged(Path dir) throws StoreException {
    return RocksRepository.openDamaged(dir);
  }

  /**
   * Looks what of a repository's files is damaged, and what {@link #repair} would do. Reads every
   * file of the database once, and changes nothing.
   *
   * @throws NoRepositoryException if there is none, not even a damaged one
   * @throws RepositoryInUseException if it is open elsewhere
   */
  public static RepairPlan planRepair(Path dir, RepairListener listener) throws StoreException {
    return RocksRepository.planRepair(dir, listener);
  }

  /**
   * Repairs a repository's files, so that it can be opened again: what they still give is put
   * together anew, and what was there before lies in the directory {@code quarantine} afterwards.
   * The repository is the old one or the repaired one, whenever this is interrupted. Content that
   * is lost is not known yet then: {@link ChunkStore#verify} finds and flags it.
   *
   * @throws NoRepositoryException if there is none, not even a damaged one
   * @throws RepositoryInUseException if it is open elsewhere
   */
  public static RepairReport repair(Path dir, RepairListener listener) throws StoreException {
    return RocksRepository.repair(dir, listener);
  }
}
