package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Compression;
import io.nbdvault.chunkstore.Repositories;
import io.nbdvault.chunkstore.RepositoryOptions;
import io.nbdvault.chunkstore.Seeds;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ends the process before the n-th change on disk: for some n, for every n until the scenario comes
 * to its end with {@code -Dnbdvault.crash.all=true}, for one with {@code -Dnbdvault.crash.point=N}.
 */
class CrashPointTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int NEVER = 0;

  @TempDir private Path temporary;

  @Test
  @Timeout(3600)
  void keepsAndReclaimsWhatItMustWhereverItsProcessEnds() throws Exception {
    int only = Integer.getInteger("nbdvault.crash.point", NEVER);
    if (only != NEVER) {
      changesUntil(only);
      return;
    }
    int changes = changesUntil(NEVER);
    assertThat(changes).as("changes when it came to its end").isPositive();
    List<Integer> points = new ArrayList<>();
    for (int point = 1; point <= changes; point++) {
      points.add(point);
    }
    boolean all = Boolean.getBoolean("nbdvault.crash.all");
    if (!all) {
      Collections.shuffle(points, Seeds.random("crash points"));
    }
    long deadline = System.nanoTime() + LIMIT.toNanos();
    int tried = 0;
    while (tried < points.size() && (all || System.nanoTime() < deadline)) {
      changesUntil(points.get(tried));
      tried++;
    }
    System.out.println("crash points=" + changes + " tried=" + tried);
    assertThat(tried).isPositive();
  }

  /** Returns how many changes there were, if the process came to its end; else 0. */
  private int changesUntil(int point) throws Exception {
    Path dir = Files.createDirectory(temporary.resolve("point-" + point)).resolve("repository");
    Repositories.create(dir, new RepositoryOptions(ScenarioDisk.CHUNK, Compression.LZ4));
    CrashExpectation expectation = run(dir, point);
    try {
      CrashCheck.check(dir, expectation);
    } catch (AssertionError | Exception e) {
      throw new AssertionError("with -Dnbdvault.crash.point=" + point + ": " + e.getMessage(), e);
    }
    delete(dir.getParent());
    return expectation.changes();
  }

  private CrashExpectation run(Path dir, int point) throws Exception {
    Process process =
        ChildJvm.start(temporary, CrashScenario.class, dir.toString(), Integer.toString(point));
    try (BufferedReader says = process.inputReader()) {
      CrashExpectation expectation = CrashExpectation.read(says);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue())
          .isEqualTo(expectation.changes() > 0 ? 0 : CrashScenario.HALTED);
      return expectation;
    } finally {
      process.destroyForcibly();
    }
  }

  private static void delete(Path dir) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (Stream<Path> found = Files.walk(dir)) {
      found.sorted(Comparator.reverseOrder()).forEach(paths::add);
    }
    for (Path path : paths) {
      Files.delete(path);
    }
  }
}
