package io.nbdvault.cli.render;

/** Text from elsewhere, made fit for a terminal. */
public final class Printable {
  private static final String CUT = "..";

  private Printable() {}

  /**
   * The text on one line. Control characters, which could move a terminal's cursor or forge a line
   * of a log, become spaces; a run of white space becomes one.
   */
  public static String line(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> Character.isISOControl(c) || Character.isWhitespace(c) ? ' ' : c)
        .filter(c -> Character.getType(c) != Character.FORMAT)
        .forEach(
            c -> {
              if (c != ' ' || out.length() == 0 || out.charAt(out.length() - 1) != ' ') {
                out.appendCodePoint(c);
              }
            });
    return out.toString().strip();
  }

  /** The text, cut to {@code width} columns where it is longer; the cut shows. */
  static String fit(String text, int width) {
    if (text.codePointCount(0, text.length()) <= width) {
      return text;
    }
    int keep = Math.max(0, width - CUT.length());
    return text.substring(0, text.offsetByCodePoints(0, keep)) + CUT.substring(0, width - keep);
  }

  /** How many columns the text takes, counting a character as one. */
  static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
