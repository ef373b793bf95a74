package io.nbdvault.chunkstore.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Some thousand runs of each target in every build, which take some seconds; {@code bin/fuzz} is
 * for more.
 */
@Tag("long")
@Timeout(300)
final class FuzzIT {
  private static final int SECONDS_MAX = 40;
  private static final int RUNS_MAX = Integer.getInteger("nbdvault.fuzz.runs", 5000);
  private static final int PLANTED_SECONDS_MAX = 60;
  private static final int RUNS_MIN = 200;
  private static final int STOP_SECONDS_MAX = 120;
  private static final Pattern RUNS = Pattern.compile("Done (\\d+) runs");

  @TempDir Path dir;

  /** What a run came to. */
  private record Outcome(int exitValue, String output) {}

  @ParameterizedTest
  @EnumSource(Target.class)
  void targetWithstandsFuzzing(Target target) throws Exception {
    Path corpus = Path.of("src/test/resources/fuzz", target.directory()).toAbsolutePath();
    Outcome outcome = fuzz(target.type(), SECONDS_MAX, RUNS_MAX, List.of(corpus));
    assertThat(outcome.exitValue()).as(outcome.output()).isZero();
    Matcher runs = RUNS.matcher(outcome.output());
    assertThat(runs.find()).as(outcome.output()).isTrue();
    System.out.println("FuzzIT target=" + target + " runs=" + runs.group(1));
    assertThat(Integer.parseInt(runs.group(1))).isGreaterThan(RUNS_MIN);
  }

  @Test
  void fuzzerFindsABugThatIsThere() throws Exception {
    Outcome outcome =
        fuzz(PlantedTarget.class, PLANTED_SECONDS_MAX, FuzzRun.RUNS_UNBOUNDED, List.of());
    assertThat(outcome.exitValue()).as(outcome.output()).isNotZero();
    assertThat(outcome.output())
        .contains("Java Exception: java.lang.IllegalStateException: planted");
  }

  private Outcome fuzz(Class<?> target, int seconds, int runs, List<Path> seeds)
      throws IOException, InterruptedException {
    Path log = dir.resolve("fuzz.log");
    Process process =
        new ProcessBuilder(FuzzRun.command(target, "found", seconds, runs, dir, seeds))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      boolean ended = process.waitFor(seconds + STOP_SECONDS_MAX, TimeUnit.SECONDS);
      assertThat(ended).as("fuzzer still runs").isTrue();
      return new Outcome(process.exitValue(), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
  }
}
