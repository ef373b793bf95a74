package io.nbdvault.chunkstore.format;

/** Bytes in a JSON object: lower-case hex digits, so that there is one way to write them. */
final class HexField {
  private HexField() {}

  static void check(String what, String hex, int bytes) {
    check(what, hex, bytes, bytes);
  }

  static void check(String what, String hex, int bytesMin, int bytesMax) {
    boolean digits = hex.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    if (!digits || hex.length() % 2 != 0) {
      throw new IllegalArgumentException(what + " (expected: pairs of lower-case hex digits)");
    }
    int bytes = hex.length() / 2;
    if (bytes < bytesMin || bytes > bytesMax) {
      String expected = bytesMin == bytesMax ? "" + bytesMin : bytesMin + " to " + bytesMax;
      throw new IllegalArgumentException(
          what + ": " + bytes + " bytes (expected: " + expected + ")");
    }
  }
}
