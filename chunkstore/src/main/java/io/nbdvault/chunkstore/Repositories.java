package io.nbdvault.chunkstore;

import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.chunkstore.rocksdb.RocksRepository;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Creates and opens repositories that are directories of this machine. */
public final class Repositories {
  private Repositories() {}

  /**
   * Creates a repository that is not encrypted. It is durable when this returns.
   *
   * @param dir must be empty or not exist, and then its parent must
   * @throws StoreFailedException if the directory is not empty or cannot be written; then nothing
   *     is changed
   */
  public static void create(Path dir, RepositoryOptions options) throws StoreException {
    RocksRepository.create(dir, options);
  }

  /**
   * Creates a repository that is encrypted, for good. It is durable when this returns.
   *
   * @param dir as above
   * @param key who has it, or what it is for, can read and write the repository
   * @param label of the key's slot
   * @throws StoreFailedException as above
   * @throws IllegalArgumentException if the label is too long, or nobody can have the private key
   */
  public static void createEncrypted(Path dir, RepositoryOptions options, SlotKey key, String label)
      throws StoreException {
    RocksRepository.createEncrypted(dir, options, key, label);
  }

  /** Opens a repository that is not encrypted, as below. */
  public static ChunkStore open(Path dir) throws StoreException {
    return open(dir, Unlocking.none());
  }

  /**
   * Opens a repository for reading and writing, for this process alone.
   *
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws WrongPasswordException if it is encrypted, and the key is not one of its keys
   */
  public static ChunkStore open(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepository.open(dir, unlocking);
  }

  /** Opens a repository that is not encrypted for reading only, as below. */
  public static ChunkStore openReadOnly(Path dir) throws StoreException {
    return openReadOnly(dir, Unlocking.none());
  }

  /** Opens a repository that is not encrypted, to reclaim, as below. */
  public static ChunkStore openToReclaim(Path dir) throws StoreException {
    return openToReclaim(dir, Unlocking.none());
  }

  /**
   * Opens a repository as {@link #open} does, to forget, bring back or reclaim: works where no
   * space is left on the file system, since there is a file in reserve that is deleted then. It is
   * made again when the store is closed. Not for backups: they would take what reclaiming needs.
   *
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws WrongPasswordException if it is encrypted, and the key is not one of its keys
   */
  public static ChunkStore openToReclaim(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepository.openToReclaim(dir, unlocking);
  }

  /**
   * Opens a repository for reading only, also while another process writes to it. Takes no lock,
   * changes nothing, and shows the snapshots that are there now.
   *
   * @throws NoRepositoryException if there is none
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws WrongPasswordException if it is encrypted, and the key is not one of its keys
   */
  public static ChunkStore openReadOnly(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepository.openReadOnly(dir, unlocking);
  }

  /**
   * Opens a repository as {@link #openDamaged} does, without its key. If it is encrypted, {@link
   * ChunkStore#verify} can check its checksums; whatever needs the key throws {@link
   * IllegalStateException}.
   *
   * @throws NoRepositoryException if there is none
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws DamagedException if not even the list of its files can be read
   */
  public static ChunkStore openLocked(Path dir) throws StoreException {
    return RocksRepository.openLocked(dir);
  }

  /**
   * How far a repository has come, read without a key from its file {@code head}; empty if that
   * cannot be told: it is of version 1, or the file is damaged, which {@link ChunkStore#verify}
   * tells.
   *
   * @throws NoRepositoryException if there is none
   */
  public static Optional<RepositoryHead> head(Path dir) throws StoreException {
    return RocksRepository.head(dir);
  }

  /**
   * The key slots of an encrypted repository as they are stored. Nothing is unlocked, so whoever
   * can write to the repository can have changed what is shown.
   *
   * @throws NoRepositoryException if there is none
   * @throws StoreFailedException if it is not encrypted
   */
  public static List<KeySlot> keySlots(Path dir) throws StoreException {
    return RocksRepository.keySlots(dir);
  }

  /**
   * Opens the keys of an encrypted repository, to change them, for this process alone.
   *
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   * @throws StoreFailedException if it is not encrypted
   * @throws WrongPasswordException if the key is not one of its keys
   */
  public static RepositoryKeys openKeys(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepository.openKeys(dir, unlocking);
  }

  /** Opens a repository that is not encrypted, to look for damage, as below. */
  public static ChunkStore openDamaged(Path dir) throws StoreException {
    return openDamaged(dir, Unlocking.none());
  }

  /**
   * Opens a repository as {@link #openReadOnly} does, also if files of it are missing or damaged:
   * what is whole can be read, the rest throws {@link DamagedException}. To look for damage.
   *
   * @throws NoRepositoryException if there is none
   * @throws UnsupportedFormatException if it was written by a newer version
   * @throws DamagedException if not even the list of its files can be read
   * @throws WrongPasswordException if it is encrypted, and the key is not one of its keys
   */
  public static ChunkStore openDamaged(Path dir, Unlocking unlocking) throws StoreException {
    return RocksRepository.openDamaged(dir, unlocking);
  }

  /**
   * Looks what of a repository's files is damaged, and what {@link #repair} would do. Reads every
   * file of the database, and changes nothing, but that a repair which was killed at its very end
   * comes to its end.
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
   * The repository is the old one or the repaired one, whenever this is interrupted. Content whose
   * records were in a damaged file and are lost is flagged in the repaired one, before anybody can
   * open it. Other content that is lost is not known yet: {@link ChunkStore#verify} finds it.
   *
   * @throws NoRepositoryException if there is none, not even a damaged one
   * @throws RepositoryInUseException if it is open elsewhere
   */
  public static RepairReport repair(Path dir, RepairListener listener) throws StoreException {
    return RocksRepository.repair(dir, listener);
  }

  /**
   * Acknowledges what a repair could not bring back: from now on {@link ChunkStore#collect} deletes
   * what no snapshot needs, also if it is only not needed because a snapshot was lost. Durable when
   * this returns.
   *
   * @return what was lost, a line each; empty if there was nothing to acknowledge
   * @throws NoRepositoryException if there is none
   * @throws RepositoryInUseException if it is open elsewhere
   */
  public static List<String> acknowledgeLosses(Path dir) throws StoreException {
    return RocksRepository.acknowledgeLosses(dir);
  }
}
