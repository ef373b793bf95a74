package io.nbdvault.chunkstore;

/** Is told how far statistics are, on the thread that makes them. Must return soon. */
@FunctionalInterface
public interface StatisticsListener {
  /** What is done, in this order. */
  enum Phase {
    /** Reads the trees. Counts nodes. */
    TREES,
    /** Looks through the index for the chunks. Counts 65,536ths of it. */
    CHUNKS
  }

  /**
   * Some of a phase is done.
   *
   * @param done of what the phase counts
   * @param expected how many there will be, as far as is known, and then at least {@code done}; 0
   *     where that is not known
   */
  void progress(Phase phase, long done, long expected);

  /** Tells nobody. */
  static StatisticsListener silent() {
    return (phase, done, expected) -> {};
  }
}
