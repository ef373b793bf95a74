package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreFailedException;
import java.util.Arrays;

/**
 * The nodes that were met: by their ordinal, to whom they belong and how many chunks of data lie
 * below them. A hash table, open, with numbers for the nodes in the order in which they were met.
 */
final class OwnedNodes {
  /** What {@link #find} returns for a node that was not met. */
  static final int NONE = -1;

  /** Bytes that one takes at most: 20, and those of less than three slots. */
  static final int NODE_BYTES = 32;

  private static final int CAPACITY_MIN = 1024;

  private final int countMax;

  private long[] ordinals = new long[CAPACITY_MIN];
  private int[] owners = new int[CAPACITY_MIN];
  private long[] dataChunks = new long[CAPACITY_MIN];
  private int count;

  /** The node's number and 1; 0 where there is none. At most three quarters are taken. */
  private int[] slots = new int[2 * CAPACITY_MIN];

  /**
   * Makes it empty.
   *
   * @param countMax most nodes
   */
  OwnedNodes(int countMax) {
    this.countMax = countMax;
  }

  /** The number of a node, or {@link #NONE}. */
  int find(long ordinal) {
    int number = slots[slotOf(ordinal)];
    return number - 1;
  }

  /**
   * Adds a node that was not met.
   *
   * @return its number
   * @throws StoreFailedException if there are as many as there may be
   */
  int add(long ordinal, int owner) throws StoreFailedException {
    if (count == ordinals.length) {
      grow();
    }
    ordinals[count] = ordinal;
    owners[count] = owner;
    slots[slotOf(ordinal)] = count + 1;
    return count++;
  }

  int count() {
    return count;
  }

  int owner(int number) {
    return owners[number];
  }

  void setOwner(int number, int owner) {
    owners[number] = owner;
  }

  long dataChunks(int number) {
    return dataChunks[number];
  }

  void setDataChunks(int number, long chunks) {
    dataChunks[number] = chunks;
  }

  /** The slot that has the ordinal, or the empty one where it belongs. */
  private int slotOf(long ordinal) {
    int mask = slots.length - 1;
    // Ordinals of nodes often lie evenly spread: the multiplication scatters them.
    int slot = (int) ((ordinal * 0x9E3779B97F4A7C15L) >>> 32) & mask;
    while (slots[slot] != 0 && ordinals[slots[slot] - 1] != ordinal) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() throws StoreFailedException {
    if (count >= countMax) {
      throw new StoreFailedException(
          "There are more than "
              + countMax
              + " tree nodes, for which this process has no memory. With more, as with"
              + " NBDVAULT_JAVA_OPTS=-Xmx4g, it can be done.",
          null);
    }
    int capacity = (int) Math.min(countMax, 2L * count);
    ordinals = Arrays.copyOf(ordinals, capacity);
    owners = Arrays.copyOf(owners, capacity);
    dataChunks = Arrays.copyOf(dataChunks, capacity);
    slots = new int[Integer.highestOneBit(capacity / 3 * 4 + 1) << 1];
    for (int number = 0; number < count; number++) {
      slots[slotOf(ordinals[number])] = number + 1;
    }
  }
}
