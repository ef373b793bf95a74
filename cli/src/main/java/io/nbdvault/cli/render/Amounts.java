package io.nbdvault.cli.render;

import java.time.Duration;
import java.util.Locale;

/** Amounts as people read them: short, and never wider than a column of a table. */
public final class Amounts {
  private static final String[] SUFFIXES = {"B", "K", "M", "G", "T", "P", "E"};
  private static final int STEP = 1024;

  /** From here on a decimal is not worth its column. */
  private static final double DECIMAL_MAX = 99.95;

  private Amounts() {}

  /**
   * Bytes in powers of 1024, with the suffixes that the options take: {@code 64K}, {@code 1.2G}. At
   * most 5 characters. A whole number is exact.
   *
   * @param bytes not negative
   */
  public static String bytes(long bytes) {
    int power = 0;
    double scaled = bytes;
    // 1023.5 would be rounded to 1024.
    while (scaled >= STEP - 0.5 && power < SUFFIXES.length - 1) {
      scaled /= STEP;
      power++;
    }
    boolean exact = scaled == Math.rint(scaled);
    String format = exact || scaled >= DECIMAL_MAX ? "%.0f%s" : "%.1f%s";
    return String.format(Locale.ROOT, format, scaled, SUFFIXES[power]);
  }

  /** How long something took: {@code 0.8 s}, {@code 42 s}, {@code 3:07 min}, {@code 1:02:03 h}. */
  public static String took(Duration duration) {
    double seconds = duration.toMillis() / 1000.0;
    if (seconds < 9.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    return whole < 60 ? whole + " s" : clock(whole) + (whole < 3600 ? " min" : " h");
  }

  /** Minutes and seconds, or hours, minutes and seconds: {@code 0:42}, {@code 1:02:03}. */
  public static String clock(long seconds) {
    long hours = seconds / 3600;
    long minutes = seconds / 60 % 60;
    return hours == 0
        ? String.format(Locale.ROOT, "%d:%02d", minutes, seconds % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", hours, minutes, seconds % 60);
  }
}
