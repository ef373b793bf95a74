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

  /** A key that is at hand. */
  static Unlocking with(UnlockingKey key) {
    return () -> Optional.of(key);
  }

  /** For who has no key: an encrypted repository cannot be opened. */
  static Unlocking none() {
    return Optional::empty;
  }
}
