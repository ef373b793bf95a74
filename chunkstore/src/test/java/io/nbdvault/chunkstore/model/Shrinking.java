package io.nbdvault.chunkstore.model;

import java.util.Optional;
import java.util.Set;

/** Leaves steps out of a run that ends in a breach for as long as it still ends in one. */
final class Shrinking {
  private static final int RUNS_MAX = 3000;

  private final Set<Guard> guards;
  private final Profile profile;
  private final Effect effect;
  private int runs;

  Shrinking(Set<Guard> guards, Profile profile, Effect effect) {
    this.guards = guards;
    this.profile = profile;
    this.effect = effect;
  }

  long[] shrink(long[] steps) {
    long[] shortest = steps;
    for (int block = steps.length / 2; block > 0; block /= 2) {
      int from = 0;
      while (from < shortest.length && runs++ < RUNS_MAX) {
        long[] candidate = without(shortest, from, Math.min(shortest.length, from + block));
        if (breach(candidate, new Trace(false)).isPresent()) {
          shortest = candidate;
        } else {
          from += block;
        }
      }
    }
    return shortest;
  }

  /** What a run ends with, if that is what is looked for. */
  Optional<Breach> breach(long[] steps, Trace trace) {
    try {
      Simulation.run(guards, profile, steps, trace);
      return Optional.empty();
    } catch (Breach breach) {
      return Optional.of(breach).filter(found -> found.effect() == effect);
    }
  }

  private static long[] without(long[] steps, int from, int to) {
    long[] rest = new long[steps.length - (to - from)];
    System.arraycopy(steps, 0, rest, 0, from);
    System.arraycopy(steps, to, rest, from, steps.length - to);
    return rest;
  }
}
