package io.nbdvault.nbd.fuzz;

/** A target with a bug, which only somebody finds who is guided by what the code does. */
public final class PlantedTarget {
  private static final int MAGIC = 0x4e42;

  private PlantedTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    FuzzInput choices = new FuzzInput(input);
    int magic = choices.wideChoice();
    if (magic == MAGIC && choices.choice() > 100) {
      throw new IllegalStateException("planted");
    }
  }
}
