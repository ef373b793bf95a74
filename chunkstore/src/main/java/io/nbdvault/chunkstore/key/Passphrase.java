package io.nbdvault.chunkstore.key;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** A passphrase: the bytes that it is in UTF-8, or whatever bytes a file has. Never shown. */
public final class Passphrase implements UnlockingKey, SlotKey {
  /** Most bytes. */
  public static final int BYTES_MAX = 1024;

  private final byte[] bytes;

  private Passphrase(byte[] bytes) {
    if (bytes.length < 1 || bytes.length > BYTES_MAX) {
      throw new IllegalArgumentException(
          "password: " + bytes.length + " bytes (expected: 1 to " + BYTES_MAX + ")");
    }
    this.bytes = bytes;
  }

  /**
   * A passphrase as it was typed.
   *
   * @throws IllegalArgumentException if it is empty or too long, or holds what a terminal or an
   *     environment gives for bytes that it could not decode: then many passphrases would be one
   */
  public static Passphrase of(char[] text) {
    for (char c : text) {
      if (c == '\uFFFD') {
        throw new IllegalArgumentException(
            "password: it holds bytes that are no text in this locale (expected: UTF-8, or a"
                + " password file)");
      }
    }
    try {
      ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[utf8.remaining()];
      utf8.get(bytes);
      return new Passphrase(bytes);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("password: it holds half a character", e);
    }
  }

  /**
   * A passphrase of these bytes.
   *
   * @throws IllegalArgumentException if they are none, or too many
   */
  public static Passphrase ofBytes(byte[] bytes) {
    return new Passphrase(bytes.clone());
  }

  /** The bytes, in an array of their own. */
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public String toString() {
    return "a passphrase";
  }
}
