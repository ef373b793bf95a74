package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.StoreException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs in a process of its own and does to a repository whatever can be done, until just before the
 * n-th change on disk: there it ends the process.
 */
final class CrashScenario {
  /** What the process exits with where it was to end. */
  static final int HALTED = 9;

  private CrashScenario() {}

  /**
   * Takes the repository's directory, the number of the change before which it ends, and the name
   * of the scenario.
   */
  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    Scenario scenario = Scenario.valueOf(args[2]);
    AtomicInteger changes = endBefore(Integer.parseInt(args[1]));
    switch (scenario) {
      case PLAIN -> run(scenario, dir);
      case ENCRYPTED -> {
        Scenario.changeKeys(dir);
        run(scenario, dir);
        Scenario.changeKeys(dir);
      }
      case HEALING -> DamageScenarios.heal(dir, CrashScenario::say);
      case REPAIR -> DamageScenarios.repair(dir, CrashScenario::say);
    }
    say("end " + changes);
  }

  private static AtomicInteger endBefore(int change) {
    AtomicInteger changes = new AtomicInteger();
    Database.beforeChange =
        () -> {
          if (changes.incrementAndGet() == change) {
            Runtime.getRuntime().halt(HALTED);
          }
        };
    return changes;
  }

  private static void run(Scenario scenario, Path dir) throws StoreException {
    // Closing changes something too.
    try (ChunkStore store = scenario.open(dir)) {
      run(new ScenarioSteps(store, CrashScenario::say));
    }
  }

  private static void run(ScenarioSteps steps) throws StoreException {
    steps.backUp(ScenarioDisk.A, Optional.empty());
    steps.backUp(ScenarioDisk.B, Optional.of(ScenarioDisk.A));
    steps.backUp(ScenarioDisk.C, Optional.empty());
    steps.backUp(ScenarioDisk.D, Optional.of(ScenarioDisk.B));
    steps.giveUp(ScenarioDisk.E);
    steps.forget(ScenarioDisk.A, ScenarioDisk.C);
    steps.undelete(ScenarioDisk.A);
    steps.collect();
    // Stores again what has just been reclaimed.
    steps.backUp(ScenarioDisk.E, Optional.of(ScenarioDisk.D));
    steps.forget(ScenarioDisk.A, ScenarioDisk.B, ScenarioDisk.D);
    steps.collectWithin(ScenarioDisk.F, Optional.of(ScenarioDisk.E));
    steps.setProtected(ScenarioDisk.F, true);
    steps.forget(ScenarioDisk.E);
    steps.collect();
    steps.setProtected(ScenarioDisk.F, false);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
