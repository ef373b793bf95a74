package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.Encryption;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.WrongPasswordException;
import io.nbdvault.chunkstore.crypto.ContentCipher;
import io.nbdvault.chunkstore.crypto.LockedContent;
import io.nbdvault.chunkstore.crypto.PlainContent;
import io.nbdvault.chunkstore.crypto.SealedContent;
import io.nbdvault.chunkstore.crypto.UnlockedKeys;
import io.nbdvault.chunkstore.key.Unlocking;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.io.IOException;
import java.util.Optional;

/**
 * Unlocks a repository in two steps: somebody's key is got before the repository is locked, so that
 * nobody waits while a person types; the repository's keys are read when its database is open.
 *
 * @param directory the repository
 * @param key somebody's key, if it is encrypted and to be unlocked
 * @param staysLocked whether it is opened without its keys
 */
record ContentUnlocking(
    RepositoryDirectory directory, Optional<UnlockingKey> key, boolean staysLocked) {
  /** Gets the key, if the repository needs one. */
  static ContentUnlocking prepare(RepositoryDirectory directory, Unlocking unlocking)
      throws StoreException {
    if (directory.readConfig().encryption() == Encryption.NONE) {
      if (unlocking.expectsEncryption()) {
        throw new StoreFailedException(
            "The repository "
                + directory.location()
                + " is not encrypted, but a password or key was given for it. If it never was,"
                + " give none; if it was, somebody has put another in its place.",
            null);
      }
      return new ContentUnlocking(directory, Optional.empty(), false);
    }
    try {
      return new ContentUnlocking(directory, unlocking.key(), false);
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreFailedException("" + e.getMessage(), e);
    }
  }

  /** Needs no key: of an encrypted repository nothing can be read, but checksums be checked. */
  static ContentUnlocking withoutKey(RepositoryDirectory directory) {
    return new ContentUnlocking(directory, Optional.empty(), true);
  }

  /**
   * The repository's cipher.
   *
   * @throws WrongPasswordException if the key is not one of the repository's, or is missing
   */
  ContentCipher cipher(Database database, RepositoryConfig config, boolean writable)
      throws StoreException {
    if (config.encryption() == Encryption.NONE) {
      return new PlainContent();
    }
    if (staysLocked) {
      return new LockedContent();
    }
    StoredKeys stored = new StoredKeys(directory, database, config);
    UnlockedKeys keys = unlock(stored);
    if (writable) {
      stored.heal(keys.file());
    }
    return new SealedContent(keys);
  }

  /** Unlocks the repository's keys. */
  UnlockedKeys unlock(StoredKeys stored) throws StoreException {
    if (key.isEmpty()) {
      throw WrongPasswordException.missing(directory.location());
    }
    return UnlockedKeys.unlock(directory.location(), stored.read(), key.get());
  }
}
