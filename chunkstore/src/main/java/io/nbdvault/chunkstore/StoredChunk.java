package io.nbdvault.chunkstore;

/**
 * What became of a chunk that was put.
 *
 * @param id its id, {@link ChunkId#ZERO} if it holds only zeros
 * @param outcome whether it had to be stored
 * @param storedBytes what it takes in the store, 0 unless {@link Outcome#NEW}
 */
public record StoredChunk(ChunkId id, Outcome outcome, int storedBytes) {
  /** Whether a chunk had to be stored. */
  public enum Outcome {
    /** It holds only zeros: nothing is stored. */
    ZERO,
    /** It was not in the store. */
    NEW,
    /** It was in the store, or on its way. */
    DUPLICATE
  }

  /** Checks that only a new chunk takes space. */
  public StoredChunk {
    Checks.notNegative("stored bytes", storedBytes);
    Checks.that(
        outcome == Outcome.NEW || storedBytes == 0, "stored bytes", storedBytes, "0 unless new");
    if (id.isZero() != (outcome == Outcome.ZERO)) {
      // Made for every chunk: what would be said is only put together if it is.
      throw new IllegalArgumentException("outcome of " + id + ": " + outcome);
    }
  }
}
