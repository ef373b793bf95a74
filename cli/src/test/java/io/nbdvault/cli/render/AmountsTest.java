package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AmountsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0B",
    "1, 1B",
    "1023, 1023B",
    "1024, 1K",
    "1025, 1.0K",
    "65536, 64K",
    "10240000, 9.8M",
    "104805171, 99.9M",
    "104857601, 100M",
    "1048575, 1.0M",
    "1073741823, 1.0G",
    "10737418240, 10G",
    "9223372036854775807, 8E"
  })
  void shortensBytesInPowersOf1024(long bytes, String expected) {
    assertThat(Amounts.bytes(bytes)).isEqualTo(expected);
  }

  @Test
  void neverTakesMoreThanFiveColumns() {
    LongStream.iterate(1, i -> i > 0, i -> i * 3)
        .flatMap(i -> LongStream.of(i - 1, i, i + 1))
        .forEach(bytes -> assertThat(Amounts.bytes(bytes)).hasSizeLessThanOrEqualTo(5));
    for (int power = 10; power < 63; power++) {
      assertThat(Amounts.bytes((1L << power) - 1)).hasSizeLessThanOrEqualTo(5);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "49, 0.0 s",
    "840, 0.8 s",
    "9949, 9.9 s",
    "9950, 10 s",
    "59499, 59 s",
    "59999, 1:00 min",
    "187000, 3:07 min",
    "3723000, 1:02:03 h"
  })
  void tellsHowLongSomethingTook(long millis, String expected) {
    assertThat(Amounts.took(Duration.ofMillis(millis))).isEqualTo(expected);
  }
}
