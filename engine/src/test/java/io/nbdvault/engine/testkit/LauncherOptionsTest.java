package io.nbdvault.engine.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class LauncherOptionsTest {
  @Test
  void areThoseOfTheLauncher() throws IOException {
    assertThat(LauncherOptions.jvm())
        .allMatch(option -> option.startsWith("-"))
        .contains("-XX:+UseSerialGC", "-Djna.nosys=true")
        .anyMatch(option -> option.startsWith("-Xmx"))
        .anyMatch(option -> option.startsWith("-XX:CompileCommand=CompileThresholdScaling,"));
    assertThat(LauncherOptions.malloc()).containsEntry("MALLOC_ARENA_MAX", "2").hasSize(3);
  }

  @Test
  void areMissedIfTheyStandElsewhere() {
    assertThatThrownBy(() -> LauncherOptions.jvm(List.of("  options=(", "    -Xmx1m")))
        .hasMessageContaining("no list of options");
  }
}
