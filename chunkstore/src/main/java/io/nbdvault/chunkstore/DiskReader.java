package io.nbdvault.chunkstore;

import java.io.IOException;

/** Reads one disk of a snapshot. Any thread may use it. */
public interface DiskReader {
  /** The disk's size. */
  long sizeBytes();

  /** Length of every chunk but the disk's last. */
  int chunkSizeBytes();

  /**
   * Visits the chunks that hold anything but zeros, in ascending order, on the caller's thread.
   * Uses memory for one node of each level of the tree, whatever the range.
   *
   * @param first first chunk index, inclusive
   * @param end last chunk index, exclusive; at most the number of chunks of the disk
   * @throws DamagedException if a node of the tree cannot be read or is not what its id says
   * @throws IOException what the visitor threw
   */
  void forEachChunk(long first, long end, ChunkVisitor visitor) throws IOException;

  /**
   * Visits all chunks as {@link #forEachChunk} does, but goes on behind nodes that cannot be read.
   * Each of those is told in its place, in ascending order with the chunks.
   *
   * @throws IOException what one of the visitors threw
   */
  void forEachReadableChunk(ChunkVisitor visitor, DamageVisitor damaged) throws IOException;

  /**
   * Reads a chunk that {@link #forEachChunk} has shown, and checks that its bytes are those that
   * its id names. On an exception the destination holds anything.
   *
   * @return the chunk's length
   * @throws IllegalArgumentException if the destination is too short, or for {@link ChunkId#ZERO}
   * @throws DamagedException if the chunk is missing or is not what its id says
   */
  int read(ChunkId id, byte[] destination, int offset) throws StoreException;
}
