package io.nbdvault.engine.retention;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random histories and policies against what must hold for all of them. */
class RandomRetentionTest {
  private static final int HISTORIES = 3000;
  private static final Instant NOW = Instant.parse("2027-01-10T12:00:00Z");
  private static final List<ZoneId> ZONES =
      List.of(
          ZoneId.of("Europe/Berlin"),
          ZoneId.of("Australia/Lord_Howe"), // its clocks change by half an hour
          ZoneId.of("America/St_Johns"),
          ZoneOffset.UTC);

  private Random random = new Random(0);
  private ZoneId zone = ZoneOffset.UTC;

  @BeforeEach
  void seed() {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    random = new Random(seed);
  }

  private Histories history() {
    return history(true);
  }

  private Histories history(boolean clockGoesBack) {
    zone = ZONES.get(random.nextInt(ZONES.size()));
    Histories history = new Histories(zone);
    long step = List.of(600L, 7200L, 43_200L, 700_000L).get(random.nextInt(4));
    Instant time = NOW.minusSeconds(step * random.nextInt(40));
    int count = random.nextInt(40);
    for (int i = 0; i < count; i++) {
      long forward = (long) (random.nextDouble() * 2 * step);
      boolean back = clockGoesBack && random.nextInt(15) == 0;
      time = time.plusSeconds(back ? -5 * forward : random.nextInt(8) == 0 ? 0 : forward);
      Map<String, String> tags =
          random.nextInt(10) == 0 ? Map.of("keep", "" + random.nextInt(2)) : Map.of();
      String[] disks = random.nextInt(4) == 0 ? new String[] {"vda"} : new String[] {"vda", "vdb"};
      var unused = history.add(time, tags, random.nextInt(12) == 0, disks);
    }
    return history;
  }

  private List<KeepRule> rules() {
    List<KeepRule> rules = new ArrayList<>();
    for (KeepPeriod period : KeepPeriod.values()) {
      if (random.nextInt(3) == 0) {
        rules.add(new KeepRule.Periodic(period, 1 + random.nextInt(8)));
      }
    }
    if (random.nextInt(4) == 0) {
      rules.add(new KeepRule.Within(CalendarSpan.parse(1 + random.nextInt(9) + "d3h")));
    }
    if (random.nextInt(4) == 0) {
      rules.add(new KeepRule.Tagged("keep", Optional.of("1")));
    }
    if (rules.isEmpty() || random.nextInt(4) == 0) {
      rules.add(new KeepRule.Last(1 + random.nextInt(5)));
    }
    return rules;
  }

  private Set<SnapshotId> kept(List<KeepRule> rules, List<CatalogEntry> entries) {
    return new RetentionPolicy(rules)
        .plan(entries, NOW, zone).decisions().stream()
            .filter(RetentionDecision::kept)
            .map(decision -> decision.snapshot().id())
            .collect(Collectors.toSet());
  }

  @Test
  void keepsWhatAPlainReadingOfTheRulesKeeps() {
    for (int i = 0; i < HISTORIES; i++) {
      List<CatalogEntry> entries = history().entries();
      List<KeepRule> rules = rules();
      assertThat(kept(rules, entries))
          .as("history %d, %s, %s", i, rules, zone)
          .isEqualTo(PlainRetention.kept(rules, entries, NOW, zone));
    }
  }

  @Test
  void askedAgainItForgetsNothingMore() {
    for (int i = 0; i < HISTORIES; i++) {
      List<CatalogEntry> entries = new ArrayList<>(history().entries());
      List<KeepRule> rules = rules();
      Set<SnapshotId> kept = kept(rules, entries);
      entries.replaceAll(
          entry -> kept.contains(entry.record().id()) ? entry : forgotten(entry.record()));
      assertThat(kept(rules, entries)).as("history %d, %s", i, rules).isEqualTo(kept);
    }
  }

  private static CatalogEntry forgotten(SnapshotRecord snapshot) {
    return new CatalogEntry(snapshot, new SnapshotState(false, Optional.of(NOW), false));
  }

  /** Where the clock went back, only parents tell the order, and these may be reclaimed. */
  @Test
  void askedAgainAfterACollectionItForgetsNothingMoreIfTheClockOnlyWentForward() {
    for (int i = 0; i < HISTORIES; i++) {
      List<CatalogEntry> entries = new ArrayList<>(history(false).entries());
      List<KeepRule> rules = rules();
      Set<SnapshotId> kept = kept(rules, entries);
      entries.removeIf(entry -> !kept.contains(entry.record().id()));
      assertThat(kept(rules, entries)).as("history %d, %s", i, rules).isEqualTo(kept);
    }
  }

  @Test
  void aFurtherRuleForgetsNothingMore() {
    for (int i = 0; i < HISTORIES; i++) {
      List<CatalogEntry> entries = history().entries();
      List<KeepRule> rules = rules();
      Set<SnapshotId> byEach = new HashSet<>();
      rules.forEach(rule -> byEach.addAll(kept(List.of(rule), entries)));
      assertThat(kept(rules, entries)).as("history %d, %s", i, rules).isEqualTo(byEach);
    }
  }

  @Test
  void theOrderOfTheEntriesDoesNotMatter() {
    for (int i = 0; i < HISTORIES; i++) {
      List<CatalogEntry> entries = new ArrayList<>(history().entries());
      List<KeepRule> rules = rules();
      Set<SnapshotId> kept = kept(rules, entries);
      Collections.shuffle(entries, random);
      assertThat(kept(rules, entries)).as("history %d, %s", i, rules).isEqualTo(kept);
    }
  }

  @Test
  void aFloodOfSnapshotsOfTheFutureForgetsNothingMore() {
    for (int i = 0; i < HISTORIES; i++) {
      Histories history = history();
      List<KeepRule> rules = rules();
      Set<SnapshotId> kept = kept(rules, history.entries());
      for (int j = random.nextInt(20); j >= 0; j--) {
        Instant time = NOW.plusSeconds(1 + random.nextInt(100_000_000));
        kept.add(history.add(time, Map.of(), false, "vda", "vdb").id());
      }
      assertThat(kept(rules, history.entries())).as("history %d, %s", i, rules).isEqualTo(kept);
    }
  }

  @Test
  void whatIsWithinIsKeptWhateverFloodsIn() {
    KeepRule within = new KeepRule.Within(CalendarSpan.parse("30d"));
    Instant floor = NOW.minus(Duration.ofDays(29));
    for (int i = 0; i < HISTORIES; i++) {
      Histories history = history();
      for (int j = 0; j < 10; j++) {
        var unused = history.add(NOW.minusSeconds(10 - j), Map.of(), false, "vda", "vdb");
      }
      Set<SnapshotId> young =
          history.entries().stream()
              .map(CatalogEntry::record)
              .filter(snapshot -> snapshot.time().isAfter(floor))
              .map(SnapshotRecord::id)
              .collect(Collectors.toSet());
      assertThat(kept(List.of(new KeepRule.Last(1), within), history.entries()))
          .as("history %d", i)
          .containsAll(young);
    }
  }

  /** The rules as their documentation has them, written without regard to anything else. */
  private static final class PlainRetention {
    static Set<SnapshotId> kept(
        List<KeepRule> rules, List<CatalogEntry> entries, Instant now, ZoneId zone) {
      Set<SnapshotId> kept = new HashSet<>();
      List<SnapshotRecord> counted = new ArrayList<>();
      for (CatalogEntry entry : entries) {
        if (entry.state().isProtected() || entry.record().time().isAfter(now)) {
          kept.add(entry.record().id());
        } else {
          counted.add(entry.record());
        }
        rules.stream()
            .filter(KeepRule.Tagged.class::isInstance)
            .filter(rule -> "1".equals(entry.record().tags().get("keep")))
            .forEach(rule -> kept.add(entry.record().id()));
      }
      if (counted.isEmpty()) {
        return kept;
      }
      for (String disk : List.of("vda", "vdb")) {
        counted.stream()
            .filter(snapshot -> snapshot.disk(disk).isPresent())
            .reduce((earlier, later) -> later)
            .ifPresent(snapshot -> kept.add(snapshot.id()));
      }
      counted.sort((a, b) -> a.time().compareTo(b.time()));
      Collections.reverse(counted);
      // Reversing has turned round those of one instant as well, which is what is wanted.
      kept.add(counted.get(0).id());
      rules.forEach(rule -> keep(rule, counted, now, zone, kept));
      return kept;
    }

    private static void keep(
        KeepRule rule,
        List<SnapshotRecord> newestFirst,
        Instant now,
        ZoneId zone,
        Set<SnapshotId> kept) {
      if (rule instanceof KeepRule.Last last) {
        newestFirst.stream().limit(last.count()).forEach(s -> kept.add(s.id()));
      } else if (rule instanceof KeepRule.Within within) {
        Instant newest = newestFirst.get(0).time();
        int days = Integer.parseInt(within.span().text().substring(0, 1));
        Instant from =
            Collections.min(List.of(now, newest))
                .atZone(zone)
                .minusDays(days)
                .minusHours(3)
                .toInstant();
        newestFirst.stream()
            .filter(s -> s.time().compareTo(from) >= 0)
            .forEach(s -> kept.add(s.id()));
      } else if (rule instanceof KeepRule.Periodic periodic) {
        Map<Instant, SnapshotRecord> newestByStart = new TreeMap<>(Collections.reverseOrder());
        newestFirst.forEach(
            s -> newestByStart.putIfAbsent(start(periodic.period(), s.time().atZone(zone)), s));
        newestByStart.values().stream().limit(periodic.count()).forEach(s -> kept.add(s.id()));
        if (newestByStart.size() < periodic.count()) {
          kept.add(newestFirst.get(newestFirst.size() - 1).id());
        }
      }
    }

    /** When the period began that a time lies in. */
    private static Instant start(KeepPeriod period, ZonedDateTime time) {
      LocalDate day = time.toLocalDate();
      return switch (period) {
        case HOURLY -> time.toOffsetDateTime().truncatedTo(ChronoUnit.HOURS).toInstant();
        case DAILY -> day.atStartOfDay(ZoneOffset.UTC).toInstant();
        case WEEKLY ->
            day.minusDays(day.getDayOfWeek().getValue() - 1L)
                .atStartOfDay(ZoneOffset.UTC)
                .toInstant();
        case MONTHLY ->
            day.with(TemporalAdjusters.firstDayOfMonth()).atStartOfDay(ZoneOffset.UTC).toInstant();
        case YEARLY ->
            day.with(TemporalAdjusters.firstDayOfYear()).atStartOfDay(ZoneOffset.UTC).toInstant();
      };
    }
  }
}
