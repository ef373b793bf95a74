package io.nbdvault.chunkstore;

/**
 * Builds the tree of one disk from what changed, in strictly ascending order. What is not mentioned
 * keeps the content that the parent disk has there, or zeros if there is no parent. One thread
 * only.
 *
 * <p>Costs grow with what changed, never with the size of the disk.
 */
public interface DiskTreeBuilder {
  /**
   * Sets one chunk.
   *
   * @param chunkIndex offset on the disk divided by the chunk size; above everything given before
   * @param id of a chunk that was put in the same session, or {@link ChunkId#ZERO}
   * @throws IllegalArgumentException if the index is not above what was given before, or lies
   *     outside the disk
   * @throws DamagedException if a node of the parent's tree cannot be read
   */
  void append(long chunkIndex, ChunkId id) throws StoreException;

  /**
   * Sets a range of chunks to zeros. The cost does not depend on the length of the range.
   *
   * @param chunkCount may be 0
   * @throws IllegalArgumentException if the range is not above what was given before, or reaches
   *     outside the disk
   * @throws DamagedException if a node of the parent's tree cannot be read
   */
  void appendZeros(long firstChunk, long chunkCount) throws StoreException;

  /** Ends the tree. Returns when every node of it can be read back. */
  DiskRoot finish() throws StoreException;
}
