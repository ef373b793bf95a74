package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import java.util.Arrays;

/**
 * To whom chunks belong, for as large a part of the id space as fits into an array, as in {@link
 * PrefixSet}. A word has the first bits of an id and, in place of the last ones, the owner's
 * number. With a thousand snapshots 53 bits are left for the id: among a hundred million chunks a
 * pair may be taken for one, which is good enough for statistics.
 */
final class OwnedChunks {
  private static final int ROOM_FIRST = 16;

  private final int capacity;
  private long[] words;
  private final Owners owners;
  private final long ownerMask;
  private long first = Long.MIN_VALUE;
  private long last = Long.MAX_VALUE;
  private int count;
  private boolean sorted;

  /**
   * Makes an empty set, of the first part.
   *
   * @param capacity how many chunks there is room for at most, at least 2; while it grows, half as
   *     much again
   */
  OwnedChunks(int capacity, Owners owners) {
    if (capacity < 2) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 2)");
    }
    this.capacity = capacity;
    this.words = new long[Math.min(capacity, ROOM_FIRST)];
    this.owners = owners;
    this.ownerMask = (1L << (Integer.SIZE - Integer.numberOfLeadingZeros(owners.count()))) - 1;
  }

  /** Adds a chunk if it lies in this part. */
  void add(ChunkId id, int owner) {
    long prefix = PrefixSet.prefixOf(id);
    if (prefix < first || prefix > last) {
      return;
    }
    if (count == words.length) {
      makeRoom();
      if (prefix > last) {
        return;
      }
    }
    words[count++] = (prefix & ~ownerMask) | owner;
    sorted = false;
  }

  /** The owner of a chunk of this part, or -1 if it was not added. */
  int owner(ChunkId id) {
    sort();
    long wanted = PrefixSet.prefixOf(id) & ~ownerMask;
    int found = Arrays.binarySearch(words, 0, count, wanted);
    int place = found < 0 ? -found - 1 : found;
    return place < count && (words[place] & ~ownerMask) == wanted
        ? (int) (words[place] & ownerMask)
        : -1;
  }

  /** How many different chunks were added. */
  int count() {
    sort();
    return count;
  }

  /** The first flipped prefix of this part. */
  long first() {
    return first;
  }

  /** The last flipped prefix of this part; it may get less until everything was added. */
  long last() {
    return last;
  }

  /** Whether the part reaches to the end of the id space. */
  boolean isLastPart() {
    return last == Long.MAX_VALUE;
  }

  /** Makes the set that of the part after this one: empty again. This must not be the last. */
  void beginNextPart() {
    if (isLastPart()) {
      throw new IllegalStateException("there is no part after the last");
    }
    first = last + 1;
    last = Long.MAX_VALUE;
    count = 0;
  }

  private void makeRoom() {
    sort();
    if (count <= words.length / 2) {
      return;
    }
    if (words.length < capacity) {
      words = Arrays.copyOf(words, (int) Math.min(capacity, 2L * words.length));
      return;
    }
    count = words.length / 2;
    last = words[count - 1] | ownerMask;
  }

  private void sort() {
    if (sorted) {
      return;
    }
    Arrays.sort(words, 0, count);
    int unique = 0;
    for (int i = 0; i < count; i++) {
      if (unique > 0 && ((words[i] ^ words[unique - 1]) & ~ownerMask) == 0) {
        words[unique - 1] = joined(words[unique - 1], words[i]);
      } else {
        words[unique++] = words[i];
      }
    }
    count = unique;
    sorted = true;
  }

  private long joined(long a, long b) {
    int owner = owners.join((int) (a & ownerMask), (int) (b & ownerMask));
    return (a & ~ownerMask) | owner;
  }
}
