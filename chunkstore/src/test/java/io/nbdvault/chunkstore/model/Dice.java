package io.nbdvault.chunkstore.model;

import java.util.SplittableRandom;

/** The choices of one step, all from one number. */
final class Dice {
  private final SplittableRandom random;

  Dice(long seed) {
    random = new SplittableRandom(seed);
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  /** True once in so many times; never if that is 0. */
  boolean oneIn(int times) {
    return times > 0 && random.nextInt(times) == 0;
  }

  /** One of a few values. */
  int oneOf(int... values) {
    return values[random.nextInt(values.length)];
  }
}
