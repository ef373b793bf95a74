package io.nbdvault.engine.catalog;

import io.nbdvault.chunkstore.SnapshotCatalog;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.engine.JobException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Finds the snapshot that a user means: an id, a unique prefix of one (4 or more hex digits),
 * {@code VM@latest}, or {@code VM@TIME} for the latest at or before an ISO 8601 time.
 */
public final class SnapshotSelector {
  private static final Pattern ID_PREFIX = Pattern.compile("[0-9a-fA-F]{4,32}");

  /** ISO 8601's three ways to write an offset, {@code +02:00}, {@code +0200} and {@code +02}. */
  private static final DateTimeFormatter WITH_OFFSET =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_DATE_TIME)
          .appendPattern("[XXX][XX][X]")
          .toFormatter(Locale.ROOT);

  private SnapshotSelector() {}

  /**
   * Selects a snapshot.
   *
   * @throws JobException of kind {@code BAD_REQUEST} when nothing or more than one snapshot is
   *     meant
   */
  public static SnapshotRecord select(SnapshotCatalog store, String text)
      throws StoreException, JobException {
    return select(store.snapshots(), text);
  }

  /** As above, among the snapshots of a list. */
  public static SnapshotRecord select(List<SnapshotRecord> snapshots, String text)
      throws JobException {
    int at = text.lastIndexOf('@');
    return at < 0 ? byPrefix(snapshots, text) : byTime(snapshots, text, at);
  }

  /** Whether an id can begin with it, 4 to 32 hex digits; no time is like that. */
  public static boolean isIdPrefix(String text) {
    return ID_PREFIX.matcher(text).matches();
  }

  /** The snapshot of a VM that was committed last. */
  public static Optional<SnapshotRecord> latest(List<SnapshotRecord> snapshots, String vm) {
    List<SnapshotRecord> own =
        CommitOrder.of(snapshots.stream().filter(s -> s.vm().equals(vm)).toList());
    return own.isEmpty() ? Optional.empty() : Optional.of(own.get(own.size() - 1));
  }

  private static SnapshotRecord byPrefix(List<SnapshotRecord> snapshots, String text)
      throws JobException {
    if (!isIdPrefix(text)) {
      throw JobException.badRequest(
          "'"
              + text
              + "' names no snapshot (expected: 4 or more hex digits of its id, VM@latest,"
              + " or VM@TIME)");
    }
    String prefix = text.toLowerCase(Locale.ROOT);
    List<SnapshotRecord> matches =
        snapshots.stream().filter(s -> s.id().hex().startsWith(prefix)).toList();
    if (matches.isEmpty()) {
      throw JobException.badRequest("no snapshot's id begins with " + text);
    }
    if (matches.size() > 1) {
      throw JobException.badRequest(
          text + " is ambiguous: the ids of " + matches.size() + " snapshots begin with it");
    }
    return matches.get(0);
  }

  private static SnapshotRecord byTime(List<SnapshotRecord> snapshots, String text, int at)
      throws JobException {
    String vm = text.substring(0, at);
    String when = text.substring(at + 1);
    if (snapshots.stream().noneMatch(s -> s.vm().equals(vm))) {
      throw JobException.badRequest("there is no snapshot of VM '" + vm + "'");
    }
    Instant until = when.equals("latest") ? Instant.MAX : parseTime(when);
    return latest(snapshots.stream().filter(s -> !s.time().isAfter(until)).toList(), vm)
        .orElseThrow(
            () -> JobException.badRequest("VM '" + vm + "' has no snapshot at or before " + when));
  }

  /**
   * An instant, with its offset or in this machine's time zone. A time means the end of what it
   * says: a date its day, a minute its minute. So what the table of snapshots shows, finds.
   */
  private static Instant parseTime(String typed) throws JobException {
    ZoneId zone = ZoneId.systemDefault();
    String text = typed.replaceFirst("^(\\d{4}-\\d\\d-\\d\\d) ", "$1T");
    try {
      if (text.length() == "2026-01-31".length()) {
        return LocalDate.parse(text).plusDays(1).atStartOfDay(zone).toInstant().minusNanos(1);
      }
      boolean withOffset = text.endsWith("Z") || text.matches(".*T.*[+-]\\d\\d(:?\\d\\d)?");
      Instant begin =
          withOffset
              ? OffsetDateTime.parse(text, WITH_OFFSET).toInstant()
              : LocalDateTime.parse(text).atZone(zone).toInstant();
      return begin.plus(precisionOf(text)).minusNanos(1);
    } catch (DateTimeException e) {
      throw JobException.badRequest(
          "'"
              + typed
              + "' is not a time (expected: latest, or ISO 8601 such as"
              + " 2026-01-31T03:00:00Z or 2026-01-31)");
    }
  }

  private static Duration precisionOf(String text) {
    if (text.contains(".")) {
      return Duration.ofNanos(1);
    }
    boolean seconds = text.matches(".*T\\d\\d:\\d\\d:\\d\\d.*");
    return seconds ? Duration.ofSeconds(1) : Duration.ofMinutes(1);
  }
}
