package io.nbdvault.chunkstore;

/** How the content of a repository is sealed. The names are part of the format. */
public enum Encryption {
  /** Not at all. */
  NONE("none"),
  /** AES-256-GCM under keys that lie, wrapped, in {@code keys.json}; ids by HMAC-SHA256. */
  AES_256_GCM("aes-256-gcm");

  private final String text;

  Encryption(String text) {
    this.text = text;
  }

  /**
   * Reads a name.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static Encryption parse(String text) {
    for (Encryption encryption : values()) {
      if (encryption.text.equals(text)) {
        return encryption;
      }
    }
    throw new IllegalArgumentException("encryption: " + text + " (expected: none or aes-256-gcm)");
  }

  /** The name. */
  @Override
  public String toString() {
    return text;
  }
}
