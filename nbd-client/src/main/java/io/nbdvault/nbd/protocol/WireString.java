package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The protocol's strings: UTF-8, at most 4096 bytes, no NUL (proto.md, "Conventions"). */
public final class WireString {
  private WireString() {}

  /**
   * Consumes a string.
   *
   * @param what names the string in the error's message
   * @throws NbdProtocolException if it is too long, cut off, not UTF-8, or holds a NUL
   */
  public static String read(ByteBuf in, int lengthBytes, String what) throws NbdProtocolException {
    if (lengthBytes < 0 || lengthBytes > NbdProtocol.STRING_BYTES_MAX) {
      throw new NbdProtocolException(
          what
              + ": "
              + Integer.toUnsignedString(lengthBytes)
              + " bytes (expected: <= "
              + NbdProtocol.STRING_BYTES_MAX
              + ")");
    }
    if (lengthBytes > in.readableBytes()) {
      throw new NbdProtocolException(
          what + ": " + lengthBytes + " bytes, but only " + in.readableBytes() + " are there");
    }
    byte[] bytes = new byte[lengthBytes];
    in.readBytes(bytes);
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new NbdProtocolException(what + ": not UTF-8", e);
    }
    if (text.indexOf('\0') >= 0) {
      throw new NbdProtocolException(what + ": contains NUL");
    }
    return text;
  }

  /**
   * The bytes of a text.
   *
   * @throws IllegalArgumentException if it has half surrogates, which no bytes stand for
   */
  public static byte[] encode(String text) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] exact = new byte[bytes.remaining()];
      bytes.get(exact);
      return exact;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          "'" + escape(text) + "': not a text of whole characters", e);
    }
  }

  /** The text with control characters made visible, so that a peer cannot forge log lines. */
  public static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (isInvisible(c)) {
                out.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return out.toString();
  }

  /** Control characters, and what turns the direction of text or ends a line in some viewers. */
  private static boolean isInvisible(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }
}
