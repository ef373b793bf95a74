package io.nbdvault.cli.render;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Instants as people read them, in the time zone of this machine. */
final class Times {
  private static final DateTimeFormatter LOCAL =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT);
  private static final DateTimeFormatter OFFSET = DateTimeFormatter.ofPattern("xx", Locale.ROOT);
  private static final DateTimeFormatter SECOND =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xx", Locale.ROOT);

  private Times() {}

  /** To the second, without the offset: 19 characters. */
  static String local(Instant time, ZoneId zone) {
    return LOCAL.format(time.atZone(zone));
  }

  /** Such as {@code +0100}. */
  static String offset(ZoneOffset offset) {
    return OFFSET.format(offset);
  }

  /** To the second, with the offset. */
  static String second(Instant time, ZoneId zone) {
    return SECOND.format(time.atZone(zone));
  }
}
