package io.nbdvault.chunkstore.format;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.key.SlotKind;

/** What is stored of a key slot so that its key can wrap and unwrap, by the slot's kind. */
public sealed interface SlotParameters {
  /** Length of a salt in bytes. */
  int SALT_BYTES = 16;

  /** The slot's kind. */
  SlotKind kind();

  /** Length in bytes of the wrapping key as such a slot has it sealed. */
  int sealedBytes();

  /** Writes the parameters' fields. */
  void putInto(ObjectNode slot);

  /** Reads the parameters' fields. */
  static SlotParameters of(JsonFields slot) {
    String kind = slot.text("kind");
    for (SlotKind known : SlotKind.values()) {
      if (known.toString().equals(kind)) {
        return of(known, slot);
      }
    }
    throw new JsonFields.WrongFieldException("kind of key slot: " + kind + " is not known");
  }

  private static SlotParameters of(SlotKind kind, JsonFields slot) {
    return switch (kind) {
      case PASSPHRASE ->
          new Argon2id(
              slot.text("salt"),
              slot.smallNumber("memoryKib"),
              slot.smallNumber("passes"),
              slot.smallNumber("lanes"));
      case KEY_FILE -> new Hkdf(slot.text("salt"));
      case RECIPIENT -> new Hpke(slot.text("publicKey"));
    };
  }

  /**
   * A passphrase stretched by Argon2id, version 0x13 (RFC 9106). The bounds keep a hostile file
   * from asking for more memory or time than a machine has.
   *
   * @param salt as hex digits
   * @param memoryKib 8 for each lane, to {@link #MEMORY_KIB_MAX}
   * @param passes 1 to {@link #PASSES_MAX}
   * @param lanes 1 to {@link #LANES_MAX}
   */
  record Argon2id(String salt, int memoryKib, int passes, int lanes) implements SlotParameters {
    /** Most memory: 128 MiB. */
    public static final int MEMORY_KIB_MAX = 128 << 10;

    /** Most passes over it. */
    public static final int PASSES_MAX = 16;

    /** Most lanes. */
    public static final int LANES_MAX = 16;

    /** Checks the bounds given above. */
    public Argon2id {
      HexField.check("salt", salt, SALT_BYTES);
      check("lanes", lanes, 1, LANES_MAX);
      check("passes", passes, 1, PASSES_MAX);
      check("memory in KiB", memoryKib, 8 * lanes, MEMORY_KIB_MAX);
    }

    @Override
    public SlotKind kind() {
      return SlotKind.PASSPHRASE;
    }

    @Override
    public int sealedBytes() {
      return KeysFile.SEALED_KEY_BYTES;
    }

    @Override
    public void putInto(ObjectNode slot) {
      slot.put("salt", salt).put("memoryKib", memoryKib);
      slot.put("passes", passes).put("lanes", lanes);
    }

    private static void check(String what, int value, int min, int max) {
      if (value < min || value > max) {
        throw new IllegalArgumentException(
            "Argon2id " + what + ": " + value + " (expected: " + min + " to " + max + ")");
      }
    }
  }

  /**
   * A key file's content, through HKDF-SHA256.
   *
   * @param salt as hex digits
   */
  record Hkdf(String salt) implements SlotParameters {
    /** Checks the bounds given above. */
    public Hkdf {
      HexField.check("salt", salt, SALT_BYTES);
    }

    @Override
    public SlotKind kind() {
      return SlotKind.KEY_FILE;
    }

    @Override
    public int sealedBytes() {
      return KeysFile.SEALED_KEY_BYTES;
    }

    @Override
    public void putInto(ObjectNode slot) {
      slot.put("salt", salt);
    }
  }

  /**
   * A recipient of HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM.
   *
   * @param publicKey the recipient's, as hex digits
   */
  record Hpke(String publicKey) implements SlotParameters {
    /** Length of the encapsulated key, which comes before what is sealed. */
    public static final int ENCAPSULATED_BYTES = 32;

    /** Checks the bounds given above. */
    public Hpke {
      HexField.check("public key", publicKey, 32);
    }

    @Override
    public SlotKind kind() {
      return SlotKind.RECIPIENT;
    }

    @Override
    public int sealedBytes() {
      return ENCAPSULATED_BYTES + KeysFile.KEY_BYTES + KeysFile.TAG_BYTES;
    }

    @Override
    public void putInto(ObjectNode slot) {
      slot.put("publicKey", publicKey);
    }
  }
}
