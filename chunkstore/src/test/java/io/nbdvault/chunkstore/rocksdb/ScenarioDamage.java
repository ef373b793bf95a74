package io.nbdvault.chunkstore.rocksdb;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A chunk of a disk that is damaged when a {@link Scenario} begins, or a node of its tree.
 *
 * @param disk of which it is, and perhaps of others
 * @param first of its places
 * @param count of its places: 1 for a chunk
 * @param healedBy the disk whose backup stores it anew, if one does
 */
record ScenarioDamage(ScenarioDisk disk, int first, int count, Optional<ScenarioDisk> healedBy) {
  /** The last leaf of the tree of {@link #disk}. */
  static final int LEAF = 2;

  private static final int LEAF_CHUNKS = 128;

  /** A record with a wrong bit in it. */
  static final ScenarioDamage RECORD = chunk(ScenarioDisk.A, 200, Optional.of(ScenarioDisk.D));

  /** A record with a wrong byte and a checksum that is right all the same. */
  static final ScenarioDamage CONTENT = chunk(ScenarioDisk.A, 203, Optional.of(ScenarioDisk.D));

  /** A chunk whose row in the index is missing. */
  static final ScenarioDamage ROW = chunk(ScenarioDisk.A, 62, Optional.of(ScenarioDisk.D));

  /** A node of a tree whose record has a wrong bit in it. */
  static final ScenarioDamage NODE =
      new ScenarioDamage(
          ScenarioDisk.A,
          LEAF * LEAF_CHUNKS,
          ScenarioDisk.CHUNKS - LEAF * LEAF_CHUNKS,
          Optional.of(ScenarioDisk.D));

  /** A record in a block that cannot be read. */
  static final ScenarioDamage BLOCK = chunk(ScenarioDisk.C, 21, Optional.of(ScenarioDisk.E));

  /** A record with a wrong bit that no backup stores anew. */
  static final ScenarioDamage FOR_GOOD = chunk(ScenarioDisk.C, 52, Optional.empty());

  /** A chunk whose row in the index has a wrong bit: it can be read all the same. */
  static final ScenarioDamage HARMLESS_ROW = chunk(ScenarioDisk.A, 64, Optional.empty());

  /** What cannot be read when a scenario begins. */
  static List<ScenarioDamage> of(Scenario scenario) {
    return switch (scenario) {
      case PLAIN, ENCRYPTED -> List.of();
      case HEALING -> List.of(RECORD, CONTENT, ROW, NODE, BLOCK, FOR_GOOD);
      case REPAIR -> List.of(RECORD);
    };
  }

  private static ScenarioDamage chunk(
      ScenarioDisk disk, int place, Optional<ScenarioDisk> healedBy) {
    return new ScenarioDamage(disk, place, 1, healedBy);
  }

  /** Where another disk has this, without chunks of zeros. */
  Set<Integer> places(ScenarioDisk other) {
    Set<Integer> places = new TreeSet<>();
    if (count > 1) {
      if (isLike(other, first, count)) {
        for (int place = first; place < first + count; place++) {
          if (!other.isZero(place)) {
            places.add(place);
          }
        }
      }
      return places;
    }
    for (int place = 0; place < ScenarioDisk.CHUNKS; place++) {
      if (isLike(other, place, 1)) {
        places.add(place);
      }
    }
    return places;
  }

  private boolean isLike(ScenarioDisk other, int place, int length) {
    int from = first * ScenarioDisk.CHUNK;
    int otherFrom = place * ScenarioDisk.CHUNK;
    int bytes = length * ScenarioDisk.CHUNK;
    return Arrays.equals(
        disk.bytes(), from, from + bytes, other.bytes(), otherFrom, otherFrom + bytes);
  }
}
