package io.nbdvault.chunkstore.model;

/** The right to look up and write some content, as {@code Claim} in the store. */
final class Claim {
  enum Decision {
    OPEN,
    PRESENT,
    SUBMITTED,
    ABANDONED
  }

  /** Epoch of a claim that is no session's and is never followed. */
  static final int NO_EPOCH = -1;

  private final int id;
  private final int epoch;
  private Decision decision = Decision.OPEN;

  Claim(int id, int epoch) {
    this.id = id;
    this.epoch = epoch;
  }

  int id() {
    return id;
  }

  int epoch() {
    return epoch;
  }

  Decision decision() {
    return decision;
  }

  void decide(Decision made) {
    decision = made;
  }
}
