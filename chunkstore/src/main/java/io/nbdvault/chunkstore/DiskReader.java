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

  /**
   * Whether some bytes are those that an id names, so that whoever has them already need not read
   * the chunk. The store is not read: it may have lost the chunk.
   *
   * @param id as {@link #forEachChunk} has shown it, or {@link ChunkId#ZERO} for zeros
   * @throws IndexOutOfBoundsException if the array is too short
   */
  boolean matches(ChunkId id, byte[] content, int offset, int length);

  /**
   * Visits the chunks in which this disk differs from another one, in ascending order. Reads only
   * nodes that differ and have chunks of the range, and holds two of each level. What lies past the
   * end of the smaller disk counts as zeros there.
   *
   * @param earlier a disk of the same repository; its snapshot must be open, here or in another
   *     store of the repository
   * @param first first chunk index, inclusive
   * @param end last chunk index, exclusive; at most the number of chunks of this disk
   * @throws IllegalArgumentException if the range is not one of this disk's, or the other disk is
   *     not of this repository
   * @throws DamagedException if a node of one of the trees cannot be read
   * @throws IOException what the visitor threw
   */
  void forEachChange(DiskReader earlier, long first, long end, ChangeVisitor visitor)
      throws IOException;
}
