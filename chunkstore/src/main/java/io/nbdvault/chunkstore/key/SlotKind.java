package io.nbdvault.chunkstore.key;

/** What opens a slot. The names are part of the format of {@code keys.json}. */
public enum SlotKind {
  /** A passphrase, through Argon2id. */
  PASSPHRASE("passphrase"),
  /** A file of at least 256 random bits. */
  KEY_FILE("key-file"),
  /** The private key of an X25519 pair, whose public key alone is needed to make the slot. */
  RECIPIENT("recipient");

  private final String text;

  SlotKind(String text) {
    this.text = text;
  }

  /** The kind's name in {@code keys.json}. */
  @Override
  public String toString() {
    return text;
  }
}
