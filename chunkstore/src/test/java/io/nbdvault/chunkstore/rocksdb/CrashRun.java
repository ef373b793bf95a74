package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Seeds;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Runs {@link CrashScenario} again and again, and ends it at one change after the other. */
final class CrashRun {
  /** Runs it in a new place until before that change; 0 for until its end. */
  @FunctionalInterface
  interface Attempt {
    /** Checks what it leaves, and returns what was expected of it. */
    CrashExpectation until(int change) throws Exception;
  }

  private static final int NEVER = 0;

  private CrashRun() {}

  /**
   * Tries some changes, one of each part of the scenario; so many with {@code
   * -Dnbdvault.crash.tries=N}, all with {@code -Dnbdvault.crash.all=true}, one with {@code
   * -Dnbdvault.crash.point=N}.
   *
   * @param tries how many, and parts, if nothing else is said
   */
  static void tryChanges(String test, Scenario scenario, int tries, Attempt attempt)
      throws Exception {
    int only = Integer.getInteger("nbdvault.crash.point", NEVER);
    if (only != NEVER) {
      tryChange(attempt, only);
      return;
    }
    long begun = System.nanoTime();
    int tried = 0;
    if (Boolean.getBoolean("nbdvault.crash.all")) {
      int changes = tryChange(attempt, NEVER).changes();
      assertThat(changes).as("changes when it came to its end").isPositive();
      for (; tried < changes; tried++) {
        tryChange(attempt, tried + 1);
      }
    } else {
      Random random = Seeds.random(test + ", " + scenario);
      int parts =
          Math.min(Integer.getInteger("nbdvault.crash.tries", tries), scenario.changesExpected());
      for (; tried < parts; tried++) {
        int first = 1 + scenario.changesExpected() * tried / parts;
        int end = 1 + scenario.changesExpected() * (tried + 1) / parts;
        tryChange(attempt, first + random.nextInt(end - first));
      }
    }
    long seconds = Duration.ofNanos(System.nanoTime() - begun).toSeconds();
    System.out.printf("test=%s, %s tried=%d seconds=%d%n", test, scenario, tried, seconds);
  }

  private static CrashExpectation tryChange(Attempt attempt, int point) {
    try {
      return attempt.until(point);
    } catch (AssertionError | Exception e) {
      throw new AssertionError("with -Dnbdvault.crash.point=" + point + ": " + e.getMessage(), e);
    }
  }

  /** Makes a repository, and runs the scenario until before a change. Returns what it has said. */
  static CrashExpectation run(Path temporary, Path dir, int change, Scenario scenario)
      throws Exception {
    List<String> before = scenario.create(dir);
    Process process =
        ChildJvm.start(
            temporary,
            CrashScenario.class,
            dir.toString(),
            Integer.toString(change),
            scenario.name());
    try (BufferedReader says = process.inputReader()) {
      CrashExpectation expectation = CrashExpectation.read(before, says);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      int expected = expectation.changes() > 0 ? 0 : CrashScenario.HALTED;
      assertThat(process.exitValue()).isEqualTo(expected);
      return expectation;
    } finally {
      process.destroyForcibly();
    }
  }
}
