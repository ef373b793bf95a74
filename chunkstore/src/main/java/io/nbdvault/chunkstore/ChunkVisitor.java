package io.nbdvault.chunkstore;

import java.io.IOException;

/** Is shown the chunks of a disk. */
@FunctionalInterface
public interface ChunkVisitor {
  /**
   * Is shown one chunk.
   *
   * @param chunkIndex offset on the disk divided by the chunk size
   * @param id never {@link ChunkId#ZERO}
   * @param plainLength the chunk's length in bytes, less than the chunk size only for the last
   * @return false to be shown no more
   */
  boolean visit(long chunkIndex, ChunkId id, int plainLength) throws IOException;
}
