package io.nbdvault.engine.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalendarSpanTest {
  @ParameterizedTest
  @CsvSource({
    "14d, 2026-11-06T12:00:00Z",
    "36h, 2026-11-19T00:00:00Z",
    "4w, 2026-10-23T11:00:00Z", // in summer time
    "6m, 2026-05-20T11:00:00Z",
    "1y6m, 2025-05-20T11:00:00Z",
    "1y1m1w1d1h, 2025-10-12T10:00:00Z",
  })
  void goesBackByTheCalendar(String text, String expected) {
    Instant end = Instant.parse("2026-11-20T12:00:00Z");
    assertThat(CalendarSpan.parse(text).before(end, ZoneId.of("Europe/Berlin")))
        .isEqualTo(expected);
  }

  @Test
  void aMonthBeforeTheLastOfMarchIsTheLastOfFebruary() {
    assertThat(
            CalendarSpan.parse("1m").before(Instant.parse("2026-03-31T12:00:00Z"), ZoneOffset.UTC))
        .isEqualTo("2026-02-28T12:00:00Z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0d", "d", "-1d", "1.5d", "1d1y", "1s", "10000d", "P1D", "1 d", "1D"})
  void refusesWhatIsNoLengthOfTime(String text) {
    assertThatThrownBy(() -> CalendarSpan.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("'" + text + "' is not a length of time");
  }
}
