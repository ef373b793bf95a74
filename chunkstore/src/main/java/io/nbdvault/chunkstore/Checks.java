package io.nbdvault.chunkstore;

/** What the values of this package check about themselves, with messages of one form. */
final class Checks {
  private static final int NAME_LENGTH_MAX = 255;

  private Checks() {}

  static void that(boolean holds, String what, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: " + expected + ")");
    }
  }

  static void notNegative(String what, long value) {
    that(value >= 0, what, value, ">= 0");
  }

  static void hex(String what, String value, int digits) {
    boolean valid =
        value.length() == digits
            && value.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    that(valid, what, value, digits + " lower-case hex digits");
  }

  /** A name of a VM or a disk: it must be usable in {@code VM@TIME} and as part of a file name. */
  static void name(String what, String value) {
    boolean valid =
        !value.isBlank()
            && value.length() <= NAME_LENGTH_MAX
            && value.chars().noneMatch(c -> c == '@' || c == '/' || Character.isISOControl(c));
    that(
        valid,
        what,
        value,
        "1 to " + NAME_LENGTH_MAX + " characters without @, / or control characters");
  }
}
