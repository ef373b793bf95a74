package io.nbdvault.chunkstore;

import java.util.Random;

/**
 * Random numbers that can be had again: {@code -Dnbdvault.seed=N} with the number that is shown.
 */
public final class Seeds {
  private Seeds() {}

  /** A generator whose seed is printed. */
  public static Random random(String test) {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("test=" + test + " -Dnbdvault.seed=" + seed);
    return new Random(seed);
  }
}
