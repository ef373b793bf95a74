package io.nbdvault.chunkstore.key;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** The textual encoding of keys: RFC 7468. */
final class Pem {
  private static final int LINE_LENGTH = 64;

  private Pem() {}

  static boolean has(String label, String text) {
    return text.stripLeading().startsWith(begin(label));
  }

  /** The bytes of a text that holds one block with this label and nothing else. */
  static byte[] decode(String label, String text) {
    String block = text.strip();
    String end = "-----END " + label + "-----";
    boolean whole = block.length() >= begin(label).length() + end.length();
    if (!whole || !block.startsWith(begin(label)) || !block.endsWith(end)) {
      throw new IllegalArgumentException(
          "key (expected: a PEM file that begins with " + begin(label) + ")");
    }
    String base64 = block.substring(begin(label).length(), block.length() - end.length());
    return Base64.getDecoder().decode(base64.replaceAll("\\s", ""));
  }

  static String encode(String label, byte[] bytes) {
    Base64.Encoder base64 =
        Base64.getMimeEncoder(LINE_LENGTH, "\n".getBytes(StandardCharsets.US_ASCII));
    return begin(label) + "\n" + base64.encodeToString(bytes) + "\n-----END " + label + "-----\n";
  }

  private static String begin(String label) {
    return "-----BEGIN " + label + "-----";
  }
}
