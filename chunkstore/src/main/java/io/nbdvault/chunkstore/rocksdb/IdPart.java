package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.ChunkId;
import java.util.Arrays;

/**
 * The first bits of ids, with something about each in the last bits of the same word, of as large a
 * part of the id space as fits into an array. It begins at some prefix and takes everything from
 * there on; when it is full it forgets its upper half and takes less from then on. So whoever needs
 * all ids goes over them several times, each time from where the part before ended.
 *
 * <p>Prefixes are the first 64 bits with the first one flipped: the signed order of those is the
 * order of the ids' bytes.
 */
abstract class IdPart {
  /** The flipped prefix at which the id space begins. */
  private static final long SPACE_FIRST = Long.MIN_VALUE;

  private static final long SPACE_LAST = Long.MAX_VALUE;

  private static final int ROOM_FIRST = 16;

  private final int capacity;
  private final long noteMask;
  private long[] words;
  private long first = SPACE_FIRST;
  private long last = SPACE_LAST;
  private int count;

  /** How many of the words are in order and of distinct ids. */
  private int sorted;

  /**
   * Makes an empty set, of the first part.
   *
   * @param capacity how many ids there is room for at most, at least 2; while it grows, half as
   *     much again
   * @param noteMask those of the last bits of a word that are not of the id
   */
  IdPart(int capacity, long noteMask) {
    if (capacity < 2) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 2)");
    }
    this.capacity = capacity;
    this.noteMask = noteMask;
    this.words = new long[Math.min(capacity, ROOM_FIRST)];
  }

  /** What is noted of an id that was added twice, with two notes. */
  abstract long joined(long note, long other);

  /** The first 64 bits of an id, with the first one flipped. */
  static long prefixOf(ChunkId id) {
    return id.a() ^ Long.MIN_VALUE;
  }

  /** Adds an id with a note if it lies in this part. */
  final void addNoted(ChunkId id, long note) {
    long prefix = prefixOf(id);
    if (prefix < first || prefix > last) {
      return;
    }
    if (count == words.length) {
      makeRoom();
      if (prefix > last) {
        return;
      }
    }
    words[count++] = (prefix & ~noteMask) | note;
  }

  /** What was noted of an id of this part, or -1 if it was not added. */
  final long note(ChunkId id) {
    sort();
    long wanted = prefixOf(id) & ~noteMask;
    int found = Arrays.binarySearch(words, 0, count, wanted);
    int place = found < 0 ? -found - 1 : found;
    return place < count && (words[place] & ~noteMask) == wanted ? words[place] & noteMask : -1;
  }

  /** How many different ids were added. */
  final int count() {
    sort();
    return count;
  }

  /** The first flipped prefix of this part. */
  final long first() {
    return first;
  }

  /** The last flipped prefix of this part; it may get less until everything was added. */
  final long last() {
    return last;
  }

  /** Whether the part reaches to the end of the id space. */
  final boolean isLastPart() {
    return last == SPACE_LAST;
  }

  /** Makes the set that of the part after this one: empty again. This must not be the last. */
  final void beginNextPart() {
    if (isLastPart()) {
      throw new IllegalStateException("there is no part after the last");
    }
    first = last + 1;
    last = SPACE_LAST;
    count = 0;
    sorted = 0;
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
    sorted = count;
    last = words[count - 1] | noteMask;
  }

  private void sort() {
    if (sorted == count) {
      return;
    }
    Arrays.sort(words, 0, count);
    int unique = 0;
    for (int i = 0; i < count; i++) {
      if (unique > 0 && ((words[i] ^ words[unique - 1]) & ~noteMask) == 0) {
        long note = joined(words[unique - 1] & noteMask, words[i] & noteMask);
        words[unique - 1] = (words[i] & ~noteMask) | note;
      } else {
        words[unique++] = words[i];
      }
    }
    count = unique;
    sorted = unique;
  }
}
