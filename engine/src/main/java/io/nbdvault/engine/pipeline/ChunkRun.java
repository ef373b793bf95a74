package io.nbdvault.engine.pipeline;

/** Neighbouring chunks that are to be handled alike. */
record ChunkRun(long firstChunk, long chunkCount, Kind kind) {
  enum Kind {
    /** Read from the source, then store. */
    READ,
    /** All zero now. */
    ZERO,
    /** As in the parent snapshot. */
    KEEP
  }

  long endChunk() {
    return firstChunk + chunkCount;
  }
}
