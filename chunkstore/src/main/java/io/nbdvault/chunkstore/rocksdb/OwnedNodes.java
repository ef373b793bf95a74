package io.nbdvault.chunkstore.rocksdb;

import java.util.Arrays;

/**
 * The nodes that were met: by their ordinal, to whom they belong and how many chunks of data lie
 * below them. A hash table, open, with numbers for the nodes in the order in which they were met;
 * some 30 bytes for each, of which there is one for a hundred chunks.
 */
final class OwnedNodes {
  /** What {@link #find} returns for a node that was not met. */
  static final int NONE = -1;

  private static final int CAPACITY_MIN = 1024;

  private long[] ordinals = new long[CAPACITY_MIN];
  private int[] owners = new int[CAPACITY_MIN];
  private long[] dataChunks = new long[CAPACITY_MIN];
  private int count;

  /** The node's number and 1; 0 where there is none. Twice as long as the other arrays. */
  private int[] slots = new int[2 * CAPACITY_MIN];

  /** The number of a node, or {@link #NONE}. */
  int find(long ordinal) {
    int number = slots[slotOf(ordinal)];
    return number - 1;
  }

  /** Adds a node that was not met. Returns its number. */
  int add(long ordinal, int owner) {
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

  private void grow() {
    int capacity = Math.multiplyExact(count, 2);
    ordinals = Arrays.copyOf(ordinals, capacity);
    owners = Arrays.copyOf(owners, capacity);
    dataChunks = Arrays.copyOf(dataChunks, capacity);
    slots = new int[Math.multiplyExact(capacity, 2)];
    for (int number = 0; number < count; number++) {
      slots[slotOf(ordinals[number])] = number + 1;
    }
  }
}
