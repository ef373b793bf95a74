package io.nbdvault.chunkstore.key;

import java.io.IOException;
import java.util.Optional;

/** Gets what unlocks a repository, perhaps from a person who is asked for it. */
@FunctionalInterface
public interface Unlocking {
  /**
   * The key, or none if there is none to be had; asked for once, and only if the repository is
   * encrypted.
   *
   * @throws IOException if it should be there and cannot be read; the message is a sentence for
   *     people
   */
  Optional<UnlockingKey> key() throws IOException;

  /**
   * Whether a repository that is not encrypted is to be refused. Who brings a key expects
   * encryption: whoever has the repository's disk might have put another one in its place.
   */
  default boolean expectsEncryption() {
    return false;
  }

  /** A key that is at hand, and so expected to be needed. */
  static Unlocking with(UnlockingKey key) {
    return new Unlocking() {
      @Override
      public Optional<UnlockingKey> key() {
        return Optional.of(key);
      }

      @Override
      public boolean expectsEncryption() {
        return true;
      }
    };
  }

  /** For who has no key: an encrypted repository cannot be opened. */
  static Unlocking none() {
    return Optional::empty;
  }
}
