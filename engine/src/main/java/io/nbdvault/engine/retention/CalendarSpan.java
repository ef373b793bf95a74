package io.nbdvault.engine.retention;

import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.ZoneId;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A length of time as people say it. Years, months, weeks and days are those of the calendar, so a
 * day may have 23 or 25 hours.
 *
 * @param text as it was typed, such as {@code 1y6m} or {@code 30d}
 * @param days the calendar's part
 * @param hours the rest
 */
public record CalendarSpan(String text, Period days, Duration hours) {
  private static final Pattern FORM =
      Pattern.compile(
          "(?:(\\d{1,4})y)?(?:(\\d{1,4})m)?(?:(\\d{1,4})w)?(?:(\\d{1,4})d)?(?:(\\d{1,4})h)?");

  /** Checks that time passes in it. */
  public CalendarSpan {
    if (days.isNegative() || hours.isNegative() || (days.isZero() && hours.isZero())) {
      throw refused(text);
    }
  }

  /**
   * Reads years, months, weeks, days and hours, in this order, each at most 9999: {@code 14d},
   * {@code 1y6m}, {@code 36h}.
   *
   * @throws IllegalArgumentException if it is of no such form, or no time at all
   */
  public static CalendarSpan parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw refused(text);
    }
    return new CalendarSpan(
        text,
        Period.of(number(matcher, 1), number(matcher, 2), number(matcher, 4))
            .plusDays(7L * number(matcher, 3)),
        Duration.ofHours(number(matcher, 5)));
  }

  private static int number(Matcher matcher, int group) {
    String digits = matcher.group(group);
    return digits == null ? 0 : Integer.parseInt(digits);
  }

  private static IllegalArgumentException refused(String text) {
    return new IllegalArgumentException(
        "'"
            + text
            + "' is not a length of time (expected: such as 14d, 36h, 4w, 6m or 1y6m; m are"
            + " months)");
  }

  /** The instant that lies this much before another, by the clocks of {@code zone}. */
  Instant before(Instant end, ZoneId zone) {
    return end.atZone(zone).minus(days).toInstant().minus(hours);
  }

  @Override
  public String toString() {
    return text;
  }
}
