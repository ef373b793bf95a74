package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import java.util.Arrays;

/**
 * The first 64 bits of ids, of as large a part of the id space as fits into an array. It begins at
 * some prefix and takes everything from there on; when it is full it forgets its upper half and
 * takes less from then on. So whoever needs all ids goes over them several times, each time from
 * where the part before ended.
 *
 * <p>Two ids with the same prefix count as one. Chance makes none, but in a repository that is not
 * encrypted some hours of computing do, out of chunks of one's own. A mark then keeps what has
 * either id, and if the row of one of the two is lost, the other's hides that: of nobody else's.
 *
 * <p>Prefixes are kept with their first bit flipped: the signed order of those is the order of the
 * ids' bytes.
 */
final class PrefixSet {
  /** The flipped prefix at which the id space begins. */
  private static final long SPACE_FIRST = Long.MIN_VALUE;

  private static final long SPACE_LAST = Long.MAX_VALUE;

  private static final int ROOM_FIRST = 16;

  private final int capacity;
  private long[] prefixes;
  private long first = SPACE_FIRST;
  private long last = SPACE_LAST;
  private int count;

  /** How many of the prefixes are in order and distinct. */
  private int sorted;

  /**
   * Makes an empty set, of the first part.
   *
   * @param capacity how many prefixes there is room for at most, at least 2; while it grows, half
   *     as much again
   */
  PrefixSet(int capacity) {
    if (capacity < 2) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 2)");
    }
    this.capacity = capacity;
    this.prefixes = new long[Math.min(capacity, ROOM_FIRST)];
  }

  /** The first 64 bits of an id, with the first one flipped. */
  static long prefixOf(ChunkId id) {
    return id.a() ^ Long.MIN_VALUE;
  }

  /** Adds an id if it lies in this part. */
  void add(ChunkId id) {
    long prefix = prefixOf(id);
    if (prefix < first || prefix > last) {
      return;
    }
    if (count == prefixes.length) {
      makeRoom();
      if (prefix > last) {
        return;
      }
    }
    prefixes[count++] = prefix;
  }

  private void makeRoom() {
    sort();
    if (count <= prefixes.length / 2) {
      return;
    }
    if (prefixes.length < capacity) {
      prefixes = Arrays.copyOf(prefixes, (int) Math.min(capacity, 2L * prefixes.length));
      return;
    }
    count = prefixes.length / 2;
    sorted = count;
    last = prefixes[count - 1];
  }

  /** Whether an id of this part was added. */
  boolean contains(ChunkId id) {
    sort();
    return Arrays.binarySearch(prefixes, 0, count, prefixOf(id)) >= 0;
  }

  /** How many different prefixes were added. */
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
    return last == SPACE_LAST;
  }

  /** Makes the set that of the part after this one: empty again. This must not be the last. */
  void beginNextPart() {
    if (isLastPart()) {
      throw new IllegalStateException("there is no part after the last");
    }
    first = last + 1;
    last = SPACE_LAST;
    count = 0;
    sorted = 0;
  }

  private void sort() {
    if (sorted == count) {
      return;
    }
    Arrays.sort(prefixes, 0, count);
    int unique = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || prefixes[i] != prefixes[i - 1]) {
        prefixes[unique++] = prefixes[i];
      }
    }
    count = unique;
    sorted = unique;
  }
}
