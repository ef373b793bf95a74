package io.nbdvault.chunkstore;

import java.util.List;

/**
 * What is damaged in a repository, and what a repair would do about it.
 *
 * @param damage what was found
 * @param steps what is done, in this order; empty if nothing is to be done
 * @param spaceBytes how much free space it takes, for the time being
 */
public record RepairPlan(List<DamagedItem> damage, List<RepairStep> steps, long spaceBytes) {
  /** Copies the lists. */
  public RepairPlan {
    damage = List.copyOf(damage);
    steps = List.copyOf(steps);
    Checks.notNegative("space", spaceBytes);
  }
}
