package io.nbdvault.engine.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.SnapshotCatalog;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.SnapshotStatistics;
import io.nbdvault.engine.JobException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.TimeZone;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SnapshotSelectorTest {
  private static final String ODD_SECOND = "eeee0000000000000000000000000000";
  private static final String FIRST = "aaaa1111" + "0".repeat(24);
  private static final String SECOND = "aaaa2222" + "0".repeat(24);
  private static final String THIRD = "bbbb3333" + "0".repeat(24);
  private static final String OTHER = "cccc4444" + "0".repeat(24);

  private final TimeZone before = TimeZone.getDefault();
  private final SnapshotCatalog store =
      new Listed(
          List.of(
              snapshot(ODD_SECOND, "odd", "2026-03-05T03:02:42.500Z"),
              snapshot(FIRST, "web", "2026-03-01T10:00:00Z"),
              snapshot(OTHER, "db", "2026-03-02T09:00:00Z"),
              snapshot(SECOND, "web", "2026-03-02T10:00:00Z"),
              snapshot(THIRD, "web", "2026-03-02T23:30:00Z")));

  @BeforeEach
  void liveTwoHoursEastOfGreenwich() {
    TimeZone.setDefault(TimeZone.getTimeZone("GMT+02:00"));
  }

  @AfterEach
  void goHome() {
    TimeZone.setDefault(before);
  }

  private String select(String text) throws Exception {
    return SnapshotSelector.select(store, text).id().hex();
  }

  @Test
  void findsASnapshotByItsIdOrAUniquePrefixOfIt() throws Exception {
    assertThat(select(THIRD)).isEqualTo(THIRD);
    assertThat(select("bbbb")).isEqualTo(THIRD);
    assertThat(select("AAAA1")).isEqualTo(FIRST);
  }

  @Test
  void findsTheLatestOfAVm() throws Exception {
    assertThat(select("web@latest")).isEqualTo(THIRD);
    assertThat(select("db@latest")).isEqualTo(OTHER);
  }

  @Test
  void findsTheLatestAtOrBeforeATimeWithAnOffset() throws Exception {
    assertThat(select("web@2026-03-02T10:00:00Z")).as("at").isEqualTo(SECOND);
    assertThat(select("web@2026-03-02T09:59:59Z")).as("just before").isEqualTo(FIRST);
    assertThat(select("web@2026-03-02T12:00:00+02:00")).isEqualTo(SECOND);
    assertThat(select("web@2026-03-02T12:00+0200")).isEqualTo(SECOND);
    assertThat(select("web@2026-03-02T05:00:00-05")).isEqualTo(SECOND);
    assertThat(select("web@2026-03-02T04:59:59-05:00")).isEqualTo(FIRST);
  }

  @Test
  void takesATimeWithoutAnOffsetInTheMachinesTimeZone() throws Exception {
    assertThat(select("web@2026-03-02T12:00:00")).isEqualTo(SECOND);
    assertThat(select("web@2026-03-02T11:59")).isEqualTo(FIRST);
    assertThat(
            LocalDateTime.parse("2026-03-02T12:00:00").atZone(ZoneId.systemDefault()).toInstant())
        .isEqualTo(Instant.parse("2026-03-02T10:00:00Z"));
  }

  @Test
  void takesATimeAsTheEndOfWhatItSaysSoThatWhatTheTableShowsIsFound() throws Exception {
    assertThat(select("odd@2026-03-05T03:02Z")).isEqualTo(ODD_SECOND);
    assertThat(select("odd@2026-03-05 05:02")).as("local time").isEqualTo(ODD_SECOND);
    assertThat(select("odd@2026-03-05T03:02:42Z")).isEqualTo(ODD_SECOND);
    assertRefused("odd@2026-03-05T03:02:42.4Z", "VM 'odd' has no snapshot at or before");
    assertRefused("odd@2026-03-05T03:01Z", "VM 'odd' has no snapshot at or before");
  }

  @Test
  void takesADateAsTheEndOfThatDay() throws Exception {
    assertThat(select("web@2026-03-01")).isEqualTo(FIRST);
    // 23:30 in Greenwich is the next day here.
    assertThat(select("web@2026-03-02")).isEqualTo(SECOND);
    assertThat(select("web@2026-03-03")).isEqualTo(THIRD);
  }

  @Test
  void saysThatAPrefixIsAmbiguousAndOfHowMany() {
    assertRefused("aaaa", "aaaa is ambiguous: the ids of 2 snapshots begin with it");
  }

  @Test
  void saysWhatIsNotThere() {
    assertRefused("dddd", "no snapshot's id begins with dddd");
    assertRefused("mail@latest", "there is no snapshot of VM 'mail'");
    assertRefused("web@2026-02-28", "VM 'web' has no snapshot at or before 2026-02-28");
  }

  @Test
  void saysWhatItExpectsWhereTheTextIsNoSelector() {
    for (String text : List.of("", "web", "aaa", "0123456789abcdef0123456789abcdef0", "xyz1")) {
      assertRefused(text, "'" + text + "' names no snapshot (expected: 4 or more hex digits");
    }
    for (String time : List.of("", "noon", "2026-13-01", "2026-02-30", "2026-03-02T25:00:00Z")) {
      assertRefused("web@" + time, "'" + time + "' is not a time (expected: latest, or ISO 8601");
    }
  }

  private void assertRefused(String text, String said) {
    assertThatThrownBy(() -> SnapshotSelector.select(store, text))
        .hasMessageStartingWith(said)
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.BAD_REQUEST));
  }

  private static SnapshotRecord snapshot(String id, String vm, String time) {
    return new SnapshotRecord(
        new SnapshotId(id),
        vm,
        Optional.empty(),
        Instant.parse(time),
        Consistency.CRASH,
        Optional.empty(),
        List.of(),
        List.of(),
        new SnapshotStatistics(Duration.ZERO),
        new TreeMap<>(),
        Optional.empty(),
        Optional.empty());
  }

  /** The snapshots of a list. */
  private record Listed(List<SnapshotRecord> snapshots) implements SnapshotCatalog {
    @Override
    public Optional<SnapshotRecord> snapshot(SnapshotId id) {
      return snapshots.stream().filter(s -> s.id().equals(id)).findFirst();
    }

    @Override
    public List<CatalogEntry> catalog() {
      return snapshots.stream().map(s -> new CatalogEntry(s, SnapshotState.KEPT)).toList();
    }
  }
}
