package io.nbdvault.cli.render;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Instants as people read them, in the time zone of this machine. */
final class Times {
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm", Locale.ROOT);
  private static final DateTimeFormatter SECOND =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xx", Locale.ROOT);

  private Times() {}

  /** To the minute: 16 characters. */
  static String minute(Instant time, ZoneId zone) {
    return MINUTE.format(time.atZone(zone));
  }

  /** To the second, with the offset. */
  static String second(Instant time, ZoneId zone) {
    return SECOND.format(time.atZone(zone));
  }
}
