package io.nbdvault.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TerminalTest {
  @ParameterizedTest
  @CsvSource({
    "/dev/pts/3, true",
    "/dev/tty1, true",
    "/dev/ttyS0, true",
    "/dev/console, true",
    "/dev/null, false",
    "pipe:[1234], false",
    "/tmp/dev/pts/3, false"
  })
  void knowsATerminalByItsDevice(String target, boolean expected) {
    assertThat(Terminal.isTerminal(target)).isEqualTo(expected);
  }

  @Test
  void takesWhatItCannotSeeForNoTerminal(@TempDir Path dir) {
    assertThat(Terminal.isTerminal(dir.resolve("absent"))).isFalse();
  }

  @Test
  void drawsNothingOnADumbTerminal() {
    assertThat(Terminal.stderrColumns(Map.of("TERM", "dumb"))).isEmpty();
    assertThat(Terminal.stderrColumns(Map.of())).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"'50 132\n', 132", "'0 0\n', 80", "'24 3\n', 80", "'', 80", "'stty: x', 80"})
  void readsTheSizeThatSttyPrints(String size, int columns) {
    assertThat(Terminal.parse(size)).isEqualTo(columns);
  }
}
