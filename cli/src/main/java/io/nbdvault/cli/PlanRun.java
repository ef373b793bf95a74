package io.nbdvault.cli;

import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.cli.render.PlanDisplay;
import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.backup.BackupAllJob;
import io.nbdvault.engine.backup.BackupOutcome;
import java.time.Duration;
import java.util.List;

/** Backs up the VMs of a plan, and tells what became of each. */
final class PlanRun {
  private final NbdvaultCommand root;
  private final RepositoryAccess access;

  PlanRun(NbdvaultCommand root, RepositoryAccess access) {
    this.root = root;
    this.access = access;
  }

  /**
   * Runs the plan.
   *
   * @throws JobException of kind {@code PARTIAL} if some VMs could not be backed up, {@code FAILED}
   *     if none could
   */
  void run(BackupPlan plan) throws StoreException, JobException, InterruptedException {
    long startNanos = System.nanoTime();
    try (ChunkStore store = access.forWriting();
        PlanDisplay display = root.planDisplay()) {
      Cancellation cancellation = root.surroundings().cancellation();
      EngineLimits limits = EngineLimits.defaults();
      // Each job gets its part of the memory, the restores as one of them.
      int jobs = Math.min(plan.parallel(), plan.requests().size());
      EngineLimits limitsOfRestore = limits.forOneOf(jobs + 1);
      List<BackupOutcome> outcomes;
      List<String> failedBeside;
      try (PlanCompanions companions =
          new PlanCompanions(store, limitsOfRestore, cancellation, display)) {
        companions.begin(plan);
        outcomes =
            new BackupAllJob(store, limits, cancellation, display)
                .run(plan.requests(), plan.parallel());
        failedBeside = companions.await();
      }
      display.allEnded(outcomes, Duration.ofNanos(System.nanoTime() - startNanos));
      conclude(outcomes, failedBeside);
    }
  }

  private void conclude(List<BackupOutcome> outcomes, List<String> failedBeside)
      throws JobException {
    List<String> failed =
        outcomes.stream()
            .filter(outcome -> outcome.failure().isPresent())
            .map(BackupOutcome::vm)
            .toList();
    if (failed.isEmpty() && failedBeside.isEmpty()) {
      return;
    }
    root.surroundings().cancellation().check();
    boolean nothing = outcomes.stream().noneMatch(outcome -> outcome.snapshot().isPresent());
    String names = String.join(", ", failed);
    String beside = String.join(", ", failedBeside);
    if (failed.isEmpty()) {
      throw new JobException(
          JobException.Kind.PARTIAL, "all VMs were backed up, but this failed: " + beside);
    }
    if (!failedBeside.isEmpty()) {
      names += "; and this failed: " + beside;
    }
    throw nothing
        ? JobException.failed("no VM was backed up: " + names)
        : new JobException(
            JobException.Kind.PARTIAL,
            failed.size() + " of " + outcomes.size() + " VMs failed: " + names);
  }
}
