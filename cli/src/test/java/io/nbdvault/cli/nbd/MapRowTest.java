package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.JobException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MapRowTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "base:allocation|0|data",
        "base:allocation|1|hole",
        "base:allocation|2|zero",
        "base:allocation|3|hole,zero",
        "base:allocation|4|",
        "qemu:dirty-bitmap:b0|0|clean",
        "qemu:dirty-bitmap:b0|1|dirty",
        "qemu:dirty-bitmap:b0|2|",
        "qemu:allocation-depth|0|absent",
        "qemu:allocation-depth|1|local",
        "qemu:allocation-depth|3|backing depth 3",
        "other:context|1|"
      })
  void saysWhatFlagsMeanWhereThatIsKnown(String context, long flags, String meaning) {
    assertThat(ExtentDescription.of(context, flags).orElse(null)).isEqualTo(meaning);
  }

  @Test
  void numbersAreUnsignedAndInColumns() {
    assertThat(new MapRow("base:allocation", 12976128, 1900544, 0).line())
        .isEqualTo("  12976128     1900544    0  data");
    assertThat(new MapRow("x:y", 0, 1L << 40, -1).line())
        .isEqualTo("         0  1099511627776  18446744073709551615");
  }

  @Test
  void sumsUpByFlags() throws JobException {
    MapTotals totals = new MapTotals("base:allocation", 400);
    totals.add(new MapRow("base:allocation", 0, 100, 3));
    totals.add(new MapRow("base:allocation", 100, 50, 0));
    totals.add(new MapRow("base:allocation", 150, 250, 3));
    assertThat(totals.totals().stream().map(MapTotals.Total::line))
        .containsExactly("        50  12.5%   0 data", "       350  87.5%   3 hole,zero");
  }

  @Test
  void aServerCannotFillTheMemoryWithKinds() throws JobException {
    MapTotals totals = new MapTotals("x:y", 1 << 20);
    for (int i = 0; i < 4096; i++) {
      totals.add(new MapRow("x:y", i, 1, i));
    }
    assertThatThrownBy(() -> totals.add(new MapRow("x:y", 4096, 1, 4096)))
        .isInstanceOf(JobException.class)
        .hasMessage("x:y: more than 4096 different statuses");
  }
}
