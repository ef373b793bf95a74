package io.nbdvault.cli.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.engine.JobException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdJsonTest {
  @ParameterizedTest
  @ValueSource(strings = {"0", "3", "4294967295", "9223372036854775808", "18446744073709551615"})
  void flagsAreTheUnsignedNumberInTheProtocol(String number) throws JobException {
    MapRow row = new MapRow("x:y", 0, 512, Long.parseUnsignedLong(number));
    MapTotals totals = new MapTotals("x:y", 512);
    totals.add(row);

    assertThat(NbdJson.of(row).toString()).contains("\"flags\":" + number);
    assertThat(NbdJson.of(totals.totals().get(0)).toString()).contains("\"flags\":" + number);
  }
}
