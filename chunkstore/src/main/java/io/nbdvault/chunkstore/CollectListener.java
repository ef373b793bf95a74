package io.nbdvault.chunkstore;

/** Is told how far a collection is, on the thread that collects. Must return soon. */
@FunctionalInterface
public interface CollectListener {
  /** What a collection does, in this order. */
  enum Phase {
    /** Finds what the snapshots reach. Counts nodes. */
    MARK,
    /** Looks through the index for what nothing reaches. Counts rows. */
    SCAN,
    /** Takes what nothing reaches out of the index. Counts rows. */
    SWEEP,
    /** Deletes records and rewrites what is left beside them. Counts bytes. */
    RECLAIM
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
  static CollectListener silent() {
    return (phase, done, expected) -> {};
  }
}
