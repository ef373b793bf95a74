package io.nbdvault.chunkstore.rocksdb;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The process ends before a change on disk; what it has written until then stays. Some of each
 * scenario, or as {@link CrashRun} says.
 */
@Tag("long")
class CrashPointTest {
  private static final int TRIES = 3;

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource
  @Timeout(7200)
  void keepsAndReclaimsWhatItMustWhereverItsProcessEnds(Scenario scenario) throws Exception {
    CrashRun.tryChanges("crash points", scenario, TRIES, change -> endBefore(change, scenario));
  }

  private CrashExpectation endBefore(int change, Scenario scenario) throws Exception {
    Path place = Files.createDirectory(temporary.resolve("change-" + change));
    Path dir = place.resolve("repository");
    CrashExpectation expectation = CrashRun.run(temporary, dir, change, scenario);
    CrashCheck.check(dir, expectation, scenario);
    delete(place);
    return expectation;
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
