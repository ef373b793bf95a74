package io.nbdvault.chunkstore.crypto;

import io.nbdvault.chunkstore.format.SlotParameters;
import io.nbdvault.chunkstore.format.SlotRecord;
import io.nbdvault.chunkstore.key.KeyFile;
import io.nbdvault.chunkstore.key.KeySlot;
import io.nbdvault.chunkstore.key.Passphrase;
import io.nbdvault.chunkstore.key.PrivateKey;
import io.nbdvault.chunkstore.key.Recipient;
import io.nbdvault.chunkstore.key.SlotKey;
import io.nbdvault.chunkstore.key.SlotKind;
import io.nbdvault.chunkstore.key.UnlockingKey;
import java.time.Instant;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Seals the wrapping key for the owner of a slot, and opens it again. */
final class SlotSealing {
  /** RFC 9106, section 4: the second recommended option, for where memory is scarce. */
  private static final int MEMORY_KIB = 64 << 10;

  private static final int PASSES = 3;
  private static final int LANES = 4;

  private static final HexFormat HEX = HexFormat.of();

  private SlotSealing() {}

  /**
   * Makes a slot.
   *
   * @throws IllegalArgumentException if a recipient's key is no key that anybody could have
   */
  static SlotRecord seal(
      String repositoryId,
      int number,
      String label,
      Instant created,
      SlotKey key,
      byte[] wrappingKey) {
    SlotParameters parameters = newParameters(key);
    KeySlot slot = new KeySlot(number, parameters.kind(), label, created);
    byte[] associatedData = SlotRecord.associatedData(repositoryId, slot, parameters);
    byte[] sealed;
    if (key instanceof Recipient recipient) {
      sealed = Hpke.seal(recipient, wrappingKey, associatedData);
    } else {
      sealed = Aead.seal(slotKey(parameters, key), wrappingKey, associatedData);
    }
    return new SlotRecord(slot, parameters, HEX.formatHex(sealed));
  }

  /** The wrapping key; null if this key does not open this slot. */
  static byte @Nullable [] open(String repositoryId, SlotRecord slot, UnlockingKey key) {
    if (!isFor(slot, key)) {
      return null;
    }
    byte[] associatedData = SlotRecord.associatedData(repositoryId, slot.slot(), slot.parameters());
    byte[] sealed = HEX.parseHex(slot.sealed());
    return key instanceof PrivateKey privateKey
        ? Hpke.open(privateKey, sealed, associatedData)
        : Aead.open(slotKey(slot.parameters(), key), sealed, associatedData);
  }

  private static boolean isFor(SlotRecord slot, UnlockingKey key) {
    SlotKind kind = slot.slot().kind();
    if (key instanceof Passphrase) {
      return kind == SlotKind.PASSPHRASE;
    }
    return kind == (key instanceof KeyFile ? SlotKind.KEY_FILE : SlotKind.RECIPIENT);
  }

  private static SlotParameters newParameters(SlotKey key) {
    if (key instanceof Recipient recipient) {
      return new SlotParameters.Hpke(recipient.hex());
    }
    String salt = HEX.formatHex(Randomness.bytes(SlotParameters.SALT_BYTES));
    return key instanceof Passphrase
        ? new SlotParameters.Argon2id(salt, MEMORY_KIB, PASSES, LANES)
        : new SlotParameters.Hkdf(salt);
  }

  private static byte[] slotKey(SlotParameters parameters, Object key) {
    if (parameters instanceof SlotParameters.Argon2id argon2 && key instanceof Passphrase phrase) {
      return Argon2.fastest().stretch(argon2, phrase);
    }
    if (parameters instanceof SlotParameters.Hkdf hkdf && key instanceof KeyFile file) {
      return Hkdf.derive(HEX.parseHex(hkdf.salt()), file.content(), "nbdvault key file");
    }
    throw new IllegalArgumentException(key + " is not for a slot of kind " + parameters.kind());
  }
}
