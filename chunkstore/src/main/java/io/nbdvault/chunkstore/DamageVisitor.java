package io.nbdvault.chunkstore;

import java.io.IOException;

/** Is told where on a disk something is that cannot be read. */
@FunctionalInterface
public interface DamageVisitor {
  /**
   * Is told of one damaged node of the disk's tree.
   *
   * @param firstChunk index of the first chunk that it stands for
   * @param chunkCount for how many chunks it stands, those of zeros included
   * @param damage what is wrong with it
   */
  void damaged(long firstChunk, long chunkCount, DamagedException damage) throws IOException;
}
