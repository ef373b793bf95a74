package io.nbdvault.engine.backup;

import io.nbdvault.engine.testkit.RandomOperations;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random sequences of everything that happens to a disk and to its backups, against a model.
 *
 * <p>{@code -Dnbdvault.seed=N} runs one sequence again, {@code -Dnbdvault.random.seconds=N} runs
 * for longer than by default.
 */
@Tag("long")
class RandomOperationsIT {
  @TempDir Path directory;

  @Test
  void everySnapshotIsWhatTheModelHeldAtItsInstant() throws Exception {
    long seed = Long.getLong("nbdvault.seed", ThreadLocalRandom.current().nextLong());
    Duration length = Duration.ofSeconds(Long.getLong("nbdvault.random.seconds", 20));
    System.out.println("seed: -Dnbdvault.seed=" + seed);
    RandomOperations operations = new RandomOperations(directory, seed);
    try {
      operations.run(length);
      System.out.printf(
          "steps=%d damages=%d refusals=%d%n",
          operations.log().size(), count(operations, "damage "), count(operations, "refused"));
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          e
              + "\n with -Dnbdvault.seed="
              + seed
              + ", after\n  "
              + String.join("\n  ", operations.log()),
          e);
    } finally {
      operations.close();
    }
  }

  private static long count(RandomOperations operations, String prefix) {
    return operations.log().stream().filter(line -> line.startsWith(prefix)).count();
  }
}
