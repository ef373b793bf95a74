package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.KeyringRecord;
import io.nbdvault.chunkstore.format.KeysFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The keys of a repository in the clear. The master key never changes, so ids stay the same and
 * deduplication goes on; what is stored is sealed under the key of the newest epoch, each of which
 * is random of its own. Immutable; never shown.
 */
final class Keyring {
  /** The master key, then those of the epochs from 1. */
  private final List<byte[]> keys;

  private Keyring(List<byte[]> keys) {
    this.keys = List.copyOf(keys);
  }

  static Keyring random() {
    return new Keyring(
        List.of(Randomness.bytes(KeysFile.KEY_BYTES), Randomness.bytes(KeysFile.KEY_BYTES)));
  }

  static Keyring decode(byte[] record) throws MalformedRecordException {
    return new Keyring(KeyringRecord.decode(record));
  }

  byte[] encode() {
    return KeyringRecord.encode(keys);
  }

  /**
   * With one more epoch.
   *
   * @throws IllegalStateException if there are {@link KeyringRecord#EPOCHS_MAX} already
   */
  Keyring withNewEpoch() {
    if (newestEpoch() == KeyringRecord.EPOCHS_MAX) {
      throw new IllegalStateException(
          "key epochs: " + newestEpoch() + " (expected: < " + KeyringRecord.EPOCHS_MAX + ")");
    }
    List<byte[]> more = new ArrayList<>(keys);
    more.add(Randomness.bytes(KeysFile.KEY_BYTES));
    return new Keyring(more);
  }

  /** The epoch under whose key is sealed: from 1. */
  int newestEpoch() {
    return keys.size() - 1;
  }

  /** The key of an epoch from 1 to the newest, in an array of its own. */
  byte[] epochKey(int epoch) {
    return keys.get(epoch).clone();
  }

  /** A key derived from the master key: {@code id}, {@code node} or {@code meta}. */
  byte[] subkey(String repositoryId, String name) {
    return Hkdf.derive(HexFormat.of().parseHex(repositoryId), keys.get(0), "nbdvault " + name);
  }

  @Override
  public String toString() {
    return "a keyring of " + newestEpoch() + " epochs";
  }
}
