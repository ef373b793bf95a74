package io.nbdvault.chunkstore.key;

/** The content of a file that serves as a key: as hard to guess as the file is random. */
public final class KeyFile implements UnlockingKey, SlotKey {
  /** Fewest bytes: those of 256 random bits. */
  public static final int BYTES_MIN = 32;

  /** Most bytes. */
  public static final int BYTES_MAX = 1 << 20;

  private final byte[] content;

  private KeyFile(byte[] content) {
    if (content.length < BYTES_MIN || content.length > BYTES_MAX) {
      throw new IllegalArgumentException(
          "key file: "
              + content.length
              + " bytes (expected: "
              + BYTES_MIN
              + " to "
              + BYTES_MAX
              + ")");
    }
    this.content = content;
  }

  /**
   * A key file of this content.
   *
   * @throws IllegalArgumentException if it is too short or too long
   */
  public static KeyFile of(byte[] content) {
    return new KeyFile(content.clone());
  }

  /** The content, in an array of its own. */
  public byte[] content() {
    return content.clone();
  }

  @Override
  public String toString() {
    return "a key file";
  }
}
