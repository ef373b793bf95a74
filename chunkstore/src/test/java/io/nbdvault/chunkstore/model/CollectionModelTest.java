package io.nbdvault.chunkstore.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;

class CollectionModelTest {
  @Test
  void scratch() {
    assertThat(1).isEqualTo(1);
    int n = Integer.getInteger("nbdvault.model.seeds", 3000);
    EnumSet<Guard> all = EnumSet.allOf(Guard.class);
    long t = System.nanoTime();
    int bad = 0;
    for (long seed = 0; seed < n && bad < 3; seed++) {
      try {
        Simulation.run(all, Profile.of(seed), Simulation.steps(seed), new Trace(false));
      } catch (Breach b) {
        System.out.println("seed " + seed + " " + b.getMessage());
        bad++;
      }
    }
    System.out.println("all: ms " + (System.nanoTime() - t) / 1000000);
    for (Guard guard : Guard.values()) {
      EnumSet<Guard> some = EnumSet.complementOf(EnumSet.of(guard));
      t = System.nanoTime();
      String found = "-";
      for (long seed = 0; seed < n; seed++) {
        try {
          Simulation.run(some, Profile.of(seed), Simulation.steps(seed), new Trace(false));
        } catch (Breach b) {
          found = "seed " + seed + " " + b.getMessage();
          break;
        }
      }
      System.out.println(guard + ": " + found + "  ms " + (System.nanoTime() - t) / 1000000);
    }
  }
}
