package io.nbdvault.engine.retention;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.SignStyle;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** The periods of which the newest snapshot may be kept, as a clock on the wall shows them. */
public enum KeepPeriod {
  /** Hours; the two that have one name when the clocks go back are two, as their offsets differ. */
  HOURLY(DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HHxxx", Locale.ROOT)),
  DAILY(DateTimeFormatter.ofPattern("uuuu-MM-dd", Locale.ROOT)),
  /** Weeks of ISO 8601: they begin on Monday, and the first has the year's first Thursday. */
  WEEKLY(
      new DateTimeFormatterBuilder()
          .appendValue(IsoFields.WEEK_BASED_YEAR, 4, 10, SignStyle.EXCEEDS_PAD)
          .appendLiteral("-W")
          .appendValue(IsoFields.WEEK_OF_WEEK_BASED_YEAR, 2)
          .toFormatter(Locale.ROOT)),
  MONTHLY(DateTimeFormatter.ofPattern("uuuu-MM", Locale.ROOT)),
  YEARLY(DateTimeFormatter.ofPattern("uuuu", Locale.ROOT));

  private final DateTimeFormatter label;

  KeepPeriod(DateTimeFormatter label) {
    this.label = label;
  }

  /** The period that a time lies in; two times lie in the same period if these are equal. */
  String of(ZonedDateTime time) {
    return label.format(time);
  }

  /** The name that the options and the reasons have, such as {@code daily}. */
  public String title() {
    return name().toLowerCase(Locale.ROOT);
  }
}
