package io.nbdvault.engine.retention;

import static io.nbdvault.engine.retention.Histories.kept;
import static io.nbdvault.engine.retention.Histories.reasons;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.engine.testkit.Records;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Cases whose answer is known. Snapshots are numbered from 1 in the order of their commits. */
class RetentionPolicyTest {
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
  private static final Instant NOW = Instant.parse("2027-01-10T12:00:00Z");

  private static Histories history(String... times) {
    return Histories.of(BERLIN, List.of(times));
  }

  private static KeepRule keep(KeepPeriod period, int count) {
    return new KeepRule.Periodic(period, count);
  }

  private static KeepRule within(String span) {
    return new KeepRule.Within(CalendarSpan.parse(span));
  }

  private static KeepRule tag(String name) {
    return new KeepRule.Tagged(name, Optional.empty());
  }

  @Test
  void lastKeepsTheNewest() {
    Histories history =
        history("2026-11-20T01:00", "2026-11-20T02:00", "2026-11-20T03:00", "2026-11-20T04:00");
    RetentionPlan plan = history.plan(NOW, new KeepRule.Last(3));
    assertThat(kept(plan)).containsExactly(2, 3, 4);
    assertThat(reasons(plan, 4)).containsExactly("newest of the VM", "last 1 of 3");
    assertThat(reasons(plan, 2)).containsExactly("last 3 of 3");
  }

  @Test
  void dailyKeepsTheNewestOfEachDayThatHasOne() {
    Histories history =
        history(
            "2026-11-16T12:00",
            "2026-11-18T00:00",
            "2026-11-18T23:59:59",
            "2026-11-20T00:00",
            "2026-11-20T03:00");
    RetentionPlan plan = history.plan(NOW, keep(KeepPeriod.DAILY, 2));
    assertThat(kept(plan)).containsExactly(3, 5);
    assertThat(reasons(plan, 3)).containsExactly("daily 2 of 2: 2026-11-18");
  }

  @Test
  void theOldestIsKeptUntilThereAreEnoughPeriods() {
    Histories history = history("2026-11-02T12:00", "2026-11-10T12:00", "2026-11-20T12:00");
    RetentionPlan plan = history.plan(NOW, keep(KeepPeriod.MONTHLY, 12));
    assertThat(kept(plan)).containsExactly(1, 3);
    assertThat(reasons(plan, 1)).containsExactly("monthly 2 of 12: the oldest");
    assertThat(kept(history.plan(NOW, keep(KeepPeriod.MONTHLY, 1)))).containsExactly(3);
  }

  @Test
  void eachRuleStandsAlone() {
    Histories history =
        history(
            "2025-12-31T12:00",
            "2026-10-31T12:00",
            "2026-11-18T12:00",
            "2026-11-19T12:00",
            "2026-11-20T12:00");
    RetentionPlan plan = history.plan(NOW, keep(KeepPeriod.DAILY, 2), keep(KeepPeriod.MONTHLY, 2));
    assertThat(kept(plan)).containsExactly(2, 4, 5);
    assertThat(reasons(plan, 5))
        .containsExactly("newest of the VM", "daily 1 of 2: 2026-11-20", "monthly 1 of 2: 2026-11");
  }

  @Test
  void vmsAreCountedApart() {
    List<CatalogEntry> entries = new ArrayList<>();
    for (int second = 1; second <= 6; second++) {
      entries.add(
          new CatalogEntry(
              Records.snapshot(SnapshotId.random(), second % 2 == 0 ? "a" : "b", second),
              SnapshotState.KEPT));
    }
    RetentionPlan plan =
        new RetentionPolicy(List.of(new KeepRule.Last(2))).plan(entries, NOW, BERLIN);
    assertThat(plan.forgotten()).containsExactly(entries.get(1).record(), entries.get(0).record());
  }

  @Test
  void weeksAreThoseOfIso8601() {
    // 2026 has a week 53, which ends on Sunday, the 3rd of January 2027.
    Histories history =
        history("2026-12-27T12:00", "2026-12-28T12:00", "2027-01-03T12:00", "2027-01-04T12:00");
    RetentionPlan plan = history.plan(NOW, keep(KeepPeriod.WEEKLY, 3));
    assertThat(kept(plan)).containsExactly(1, 3, 4);
    assertThat(reasons(plan, 3)).containsExactly("weekly 2 of 3: 2026-W53");
    assertThat(reasons(plan, 4)).contains("weekly 1 of 3: 2027-W01");
  }

  @Test
  void aYearEndsAtLocalMidnight() {
    // Both are of 2026 in Greenwich.
    Histories history = history("2026-12-31T23:59", "2027-01-01T00:01", "2027-01-01T09:00");
    assertThat(kept(history.plan(NOW, keep(KeepPeriod.YEARLY, 2)))).containsExactly(1, 3);
    RetentionPlan inGreenwich =
        new RetentionPolicy(List.of(keep(KeepPeriod.YEARLY, 2)))
            .plan(history.entries(), NOW, ZoneOffset.UTC);
    assertThat(kept(inGreenwich)).containsExactly(2, 3);
  }

  @Test
  void theHourThatComesTwiceIsTwoHours() {
    Histories history =
        history(
            "2026-10-25T02:10:00+02:00",
            "2026-10-25T02:50:00+02:00",
            "2026-10-25T02:10:00+01:00",
            "2026-10-25T02:50:00+01:00",
            "2026-10-25T03:10:00+01:00");
    RetentionPlan plan = history.plan(NOW, keep(KeepPeriod.HOURLY, 3));
    assertThat(kept(plan)).containsExactly(2, 4, 5);
    assertThat(reasons(plan, 4)).containsExactly("hourly 2 of 3: 2026-10-25T02+01:00");
  }

  @Test
  void daysOf23And25HoursAreDays() {
    Histories spring =
        history("2026-03-28T23:30", "2026-03-29T00:30", "2026-03-29T23:30", "2026-03-30T00:30");
    assertThat(kept(spring.plan(NOW, keep(KeepPeriod.DAILY, 3)))).containsExactly(1, 3, 4);
    Histories autumn =
        history("2026-10-24T23:30", "2026-10-25T00:30", "2026-10-25T23:30", "2026-10-26T00:30");
    assertThat(kept(autumn.plan(NOW, keep(KeepPeriod.DAILY, 3)))).containsExactly(1, 3, 4);
  }

  @Test
  void withinLooksBackFromTheNewestWhereBackupsHaveStopped() {
    Histories history = history("2026-10-01T12:00", "2026-10-02T12:00", "2026-10-08T12:00");
    RetentionPlan plan = history.plan(NOW, within("6d"));
    assertThat(kept(plan)).containsExactly(2, 3);
    assertThat(reasons(plan, 2)).containsExactly("within 6d");
  }

  @Test
  void withinCountsCalendarDaysOverTheChangeOfTheClock() {
    // 25 hours lie between; the first is a day before by the clock on the wall.
    Histories history = history("2026-10-24T12:00", "2026-10-25T12:00");
    assertThat(kept(history.plan(NOW, within("1d")))).containsExactly(1, 2);
    assertThat(kept(history.plan(NOW, within("24h")))).containsExactly(2);
  }

  @Test
  void snapshotsOfTheFutureAreKeptAndNotCounted() {
    Histories history =
        history("2026-11-18T12:00", "2026-11-19T12:00", "2031-01-01T12:00", "2030-01-01T12:00");
    RetentionPlan plan =
        history.plan(NOW, new KeepRule.Last(1), keep(KeepPeriod.DAILY, 1), within("1h"));
    assertThat(kept(plan)).containsExactly(2, 3, 4);
    assertThat(reasons(plan, 3)).containsExactly("its time is in the future");
    assertThat(reasons(plan, 2)).contains("newest of the VM", "last 1 of 1");
  }

  @Test
  void nothingIsForgottenWhileTheClockStandsBeforeAllSnapshots() {
    Histories history = history("2026-11-18T12:00", "2026-11-19T12:00");
    RetentionPlan plan = history.plan(Instant.EPOCH, new KeepRule.Last(1), within("1h"));
    assertThat(plan.forgotten()).isEmpty();
  }

  @Test
  void protectedSnapshotsAreKeptAndNotCounted() {
    Histories history = new Histories(BERLIN);
    for (int day = 1; day <= 6; day++) {
      Instant time = Instant.parse("2026-11-1" + day + "T12:00:00Z");
      var unused = history.add(time, Map.of(), day == 2 || day == 5, "vda");
    }
    RetentionPlan plan = history.plan(NOW, new KeepRule.Last(2), keep(KeepPeriod.DAILY, 2));
    assertThat(kept(plan)).containsExactly(2, 4, 5, 6);
    assertThat(reasons(plan, 5)).containsExactly("protected");
    assertThat(reasons(plan, 4)).containsExactly("last 2 of 2", "daily 2 of 2: 2026-11-14");
  }

  @Test
  void tagsAreMetByNameOrByNameAndValue() {
    Histories history = new Histories(BERLIN);
    var a = history.add(Instant.ofEpochSecond(1), Map.of("reason", "upgrade"), false, "vda");
    var b = history.add(Instant.ofEpochSecond(2), Map.of("reason", "nightly"), false, "vda");
    var c = history.add(Instant.ofEpochSecond(3), Map.of("owner", ""), false, "vda");
    var d = history.add(Instant.ofEpochSecond(4), Map.of(), false, "vda");
    assertThat(List.of(a, b, c, d)).doesNotHaveDuplicates();

    assertThat(kept(history.plan(NOW, tag("reason")))).containsExactly(1, 2, 4);
    RetentionPlan byValue =
        history.plan(NOW, new KeepRule.Tagged("reason", Optional.of("upgrade")), tag("owner"));
    assertThat(kept(byValue)).containsExactly(1, 3, 4);
    assertThat(reasons(byValue, 1)).containsExactly("tag reason=upgrade");
    assertThat(reasons(byValue, 3)).containsExactly("tag owner");
  }

  @Test
  void theNewestIsKeptWhateverTheRulesSay() {
    Histories history = history("2026-11-18T12:00", "2026-11-19T12:00");
    RetentionPlan plan = history.plan(NOW, tag("absent"));
    assertThat(kept(plan)).containsExactly(2);
    assertThat(reasons(plan, 2)).containsExactly("newest of the VM");
  }

  @Test
  void theNewestThatHasADiskIsKept() {
    Histories history = new Histories(BERLIN);
    var both = history.add(Instant.ofEpochSecond(1), Map.of(), false, "vda", "vdb");
    var again = history.add(Instant.ofEpochSecond(2), Map.of(), false, "vda", "vdb");
    var one = history.add(Instant.ofEpochSecond(3), Map.of(), false, "vda");
    var other = history.add(Instant.ofEpochSecond(4), Map.of(), false, "vda");
    assertThat(List.of(both, again, one, other)).doesNotHaveDuplicates();
    RetentionPlan plan = history.plan(NOW, new KeepRule.Last(1));
    assertThat(kept(plan)).containsExactly(2, 4);
    assertThat(reasons(plan, 2)).containsExactly("newest of disk vdb");
  }

  @Test
  void aClockThatWentBackLosesNeitherOfTheTwoThatAreNewest() {
    // The third was committed last; the next backup goes on from it.
    Histories history = history("2026-11-18T12:00", "2026-11-20T12:00", "2026-11-17T12:00");
    RetentionPlan plan = history.plan(NOW, new KeepRule.Last(1));
    assertThat(kept(plan)).containsExactly(2, 3);
    assertThat(reasons(plan, 2)).containsExactly("newest of the VM", "last 1 of 1");
    assertThat(reasons(plan, 3)).containsExactly("newest of the VM");
  }

  @Test
  void ofOneInstantTheLaterCommitIsTheNewer() {
    Histories history = history("2026-11-18T12:00", "2026-11-18T12:00", "2026-11-18T12:00");
    List<CatalogEntry> mixed =
        List.of(history.entries().get(2), history.entries().get(0), history.entries().get(1));
    RetentionPlan plan =
        new RetentionPolicy(List.of(keep(KeepPeriod.DAILY, 1))).plan(mixed, NOW, BERLIN);
    assertThat(kept(plan)).containsExactly(3);
  }

  @Test
  void timesPastTheCalendarAreOrdinaryOldOnes() {
    Histories history = new Histories(BERLIN);
    var first = history.add(Instant.MIN, Map.of(), false, "vda");
    var second = history.add(Instant.EPOCH, Map.of(), false, "vda");
    var future = history.add(Instant.MAX, Map.of(), false, "vda");
    assertThat(List.of(first, second, future)).doesNotHaveDuplicates();
    for (KeepPeriod period : KeepPeriod.values()) {
      RetentionPlan plan = history.plan(NOW, keep(period, 2), within("9999y9999m9999w9999d9999h"));
      assertThat(kept(plan)).as(period.title()).contains(2, 3);
    }
  }

  @Test
  void anAlertTellsThatFreshSnapshotsPushGoodOnesOut() {
    List<String> times = new ArrayList<>();
    for (int day = 10; day < 20; day++) {
      times.add("2026-11-" + day + "T03:00");
    }
    Histories quiet = Histories.of(BERLIN, times);
    assertThat(quiet.plan(NOW, new KeepRule.Last(7)).alerts()).isEmpty();

    for (int minute = 10; minute < 20; minute++) {
      times.add("2026-11-20T12:" + minute);
    }
    Histories flood = Histories.of(BERLIN, times);
    assertThat(flood.plan(NOW, new KeepRule.Last(7)).alerts())
        .singleElement()
        .asString()
        .startsWith("VM vm: its snapshots cover 10 days, those that are kept only 6 minutes");
    RetentionPlan floor = flood.plan(NOW, new KeepRule.Last(7), within("14d"));
    assertThat(floor.alerts()).isEmpty();
    assertThat(floor.forgotten()).isEmpty();
  }

  @Test
  void anAlertTellsThatOnlyOneIsLeft() {
    Histories days = history("2026-11-10T03:00", "2026-11-12T03:00", "2026-11-14T03:00");
    assertThat(days.plan(NOW, new KeepRule.Last(1)).alerts())
        .singleElement()
        .asString()
        .startsWith("VM vm: its snapshots cover 4 days, and only one is kept");
    Histories withFuture =
        history("2026-11-10T03:00", "2026-11-12T03:00", "2026-11-14T03:00", "2031-01-01T12:00");
    assertThat(withFuture.plan(NOW, new KeepRule.Last(1)).alerts()).hasSize(1);
  }

  @Test
  void noAlertIsRaisedWhereNothingIsLost() {
    assertThat(history("2026-11-10T03:00").plan(NOW, new KeepRule.Last(1)).alerts()).isEmpty();
    Histories allInTheFuture = history("2031-01-01T12:00", "2031-02-01T12:00");
    assertThat(allInTheFuture.plan(NOW, new KeepRule.Last(1)).alerts()).isEmpty();
  }

  @Test
  void aPolicyNeedsARuleAndNoneTwice() {
    assertThatThrownBy(() -> new RetentionPolicy(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keep rules: none");
    assertThatThrownBy(
            () ->
                new RetentionPolicy(List.of(keep(KeepPeriod.DAILY, 1), keep(KeepPeriod.DAILY, 2))))
        .hasMessageContaining("one of its kind");
    assertThat(new RetentionPolicy(List.of(tag("a"), tag("b"))).rules()).hasSize(2);
    assertThatThrownBy(() -> new KeepRule.Last(0)).hasMessageContaining("--keep-last: 0");
    assertThatThrownBy(() -> keep(KeepPeriod.WEEKLY, -1)).hasMessageContaining("--keep-weekly");
    assertThatThrownBy(() -> tag("")).hasMessageContaining("--keep-tag");
  }
}
