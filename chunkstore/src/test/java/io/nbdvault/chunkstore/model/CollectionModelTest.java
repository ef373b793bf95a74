package io.nbdvault.chunkstore.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.nbdvault.chunkstore.Seeds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Reclamation in a small model. With {@code -Dnbdvault.model.seeds=N} it runs longer, and looks for
 * the lack of each guard not once but until it can say how many runs it takes.
 */
class CollectionModelTest {
  private static final int SEEDS_DEFAULT = 1500;
  private static final int SEEDS = Integer.getInteger("nbdvault.model.seeds", SEEDS_DEFAULT);
  private static final int SEEDS_WITHOUT_GUARD = Math.max(20_000, SEEDS);
  private static final int BREACHES_WITHOUT_GUARD = SEEDS > SEEDS_DEFAULT ? 9 : 1;
  private static final Set<Guard> ALL = EnumSet.allOf(Guard.class);

  @Test
  void losesNothingAndLeavesNothing() {
    long first = Seeds.random("collection model").nextLong();
    requireNoBreach(ALL, first, SEEDS);
  }

  /** The seeds are always the same ones, so that what it takes can be compared. */
  @ParameterizedTest
  @MethodSource
  void noticesTheLackOf(Guard guard) {
    Set<Guard> others = EnumSet.complementOf(EnumSet.of(guard));
    List<Integer> runs = new ArrayList<>();
    String first = "";
    int since = 0;
    for (long seed = 0;
        seed < SEEDS_WITHOUT_GUARD && runs.size() < BREACHES_WITHOUT_GUARD;
        seed++) {
      since++;
      Optional<Breach> breach = run(others, seed);
      if (breach.isPresent() && breach.get().effect() == guard.withoutIt()) {
        first = first.isEmpty() ? "seed " + seed + ": " + breach.get().getMessage() : first;
        runs.add(since);
        since = 0;
      }
    }
    Collections.sort(runs);
    assertThat(runs).as("runs until the lack of %s is noticed", guard).isNotEmpty();
    System.out.println("without=" + guard + " median=" + runs.get(runs.size() / 2) + " " + first);
  }

  static Stream<Guard> noticesTheLackOf() {
    return Stream.of(Guard.values()).filter(guard -> guard.withoutIt() != Effect.NONE);
  }

  @ParameterizedTest
  @MethodSource
  void losesNothingWithout(Guard spare) {
    long first = Seeds.random("collection model without " + spare).nextLong();
    requireNoBreach(EnumSet.complementOf(EnumSet.of(spare)), first, SEEDS / 4);
  }

  static Stream<Guard> losesNothingWithout() {
    return Stream.of(Guard.values()).filter(guard -> guard.withoutIt() == Effect.NONE);
  }

  @Test
  void shrinksARunToAFewSteps() {
    Set<Guard> guards = EnumSet.complementOf(EnumSet.of(Guard.CUTOFF_INCLUDES_RUNNING_SESSIONS));
    long seed = 0;
    while (run(guards, seed).isEmpty()) {
      seed++;
    }
    Shrinking shrinking = new Shrinking(guards, Profile.of(seed), Effect.LOST);
    long[] steps = shrinking.shrink(Simulation.steps(seed));
    assertThat(steps).hasSizeLessThan(200);
    assertThat(shrinking.breach(steps, new Trace(false))).isPresent();
  }

  private static void requireNoBreach(Set<Guard> guards, long firstSeed, int seeds) {
    for (long seed = firstSeed; seed != firstSeed + seeds; seed++) {
      Optional<Breach> breach = run(guards, seed);
      if (breach.isPresent()) {
        fail(describe(guards, seed, breach.get()));
      }
    }
  }

  private static Optional<Breach> run(Set<Guard> guards, long seed) {
    try {
      Simulation.run(guards, Profile.of(seed), Simulation.steps(seed), new Trace(false));
      return Optional.empty();
    } catch (Breach breach) {
      return Optional.of(breach);
    }
  }

  /** What happened, with all left out that does not matter. */
  private static String describe(Set<Guard> guards, long seed, Breach breach) {
    Shrinking shrinking = new Shrinking(guards, Profile.of(seed), breach.effect());
    long[] steps = shrinking.shrink(Simulation.steps(seed));
    Trace trace = new Trace(true);
    String last = shrinking.breach(steps, trace).map(Breach::getMessage).orElse("");
    String head = "seed " + seed + ", without " + EnumSet.complementOf(EnumSet.copyOf(guards));
    return head + "\n" + String.join("\n", trace.lines()) + "\n" + last;
  }
}
