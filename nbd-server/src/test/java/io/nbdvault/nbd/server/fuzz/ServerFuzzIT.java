package io.nbdvault.nbd.server.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.fuzz.FuzzRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Some seconds of fuzzing per target in every build. That it finds bugs is the client's test. */
@Tag("long")
@Timeout(300)
final class ServerFuzzIT {
  private static final int SECONDS = Integer.getInteger("nbdvault.fuzz.seconds", 4);
  private static final int STOP_SECONDS_MAX = 120;

  @TempDir Path dir;

  private static Path corpus(Target target) {
    return Path.of("src/test/resources/fuzz", target.directory()).toAbsolutePath();
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void targetWithstandsFuzzing(Target target) throws Exception {
    Path log = dir.resolve("fuzz.log");
    List<String> command =
        FuzzRun.command(target.type(), "found", SECONDS, dir, List.of(corpus(target)));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(SECONDS + STOP_SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
      String output = Files.readString(log);
      assertThat(process.exitValue()).as(output).isZero();
      assertThat(output).containsPattern("Done \\d{3,} runs");
    } finally {
      process.destroyForcibly();
    }
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void inputOfTheCorpusPasses(Target target) throws Exception {
    target.run(new byte[0]);
    target.run(new byte[4096]);
    try (Stream<Path> files = Files.list(corpus(target))) {
      List<Path> inputs = files.sorted().toList();
      assertThat(inputs).hasSizeGreaterThan(3);
      for (Path input : inputs) {
        target.run(Files.readAllBytes(input));
      }
    }
  }
}
