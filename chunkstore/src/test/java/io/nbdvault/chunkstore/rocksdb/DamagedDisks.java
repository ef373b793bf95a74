package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskReader;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntConsumer;

/** What of a disk in a snapshot cannot be read. Everything else is compared. */
final class DamagedDisks {
  /** What it must hold. */
  @FunctionalInterface
  interface Expected {
    /** The bytes of a chunk, all of one length. */
    byte[] chunk(int place);
  }

  private DamagedDisks() {}

  /** Reads all of a disk, and returns the places of what is refused, those of zeros included. */
  static Set<Integer> compare(DiskReader disk, Expected expected) throws IOException {
    return compare(disk, expected, place -> {});
  }

  /**
   * Does the same.
   *
   * @param below is told of the places that lie below a damaged node
   */
  static Set<Integer> compare(DiskReader disk, Expected expected, IntConsumer below)
      throws IOException {
    int chunkBytes = disk.chunkSizeBytes();
    int chunks = (int) (disk.sizeBytes() / chunkBytes);
    Set<Integer> refused = new TreeSet<>();
    Set<Integer> seen = new TreeSet<>();
    byte[] found = new byte[chunkBytes];
    disk.forEachReadableChunk(
        (place, id, length) -> {
          seen.add((int) place);
          try {
            disk.read(id, found, 0);
          } catch (DamagedException e) {
            refused.add((int) place);
            return true;
          }
          assertThat(Arrays.equals(found, expected.chunk((int) place)))
              .as("whether chunk %d is right", place)
              .isTrue();
          return true;
        },
        (first, count, damage) -> {
          for (long place = first; place < Math.min(first + count, chunks); place++) {
            refused.add((int) place);
            below.accept((int) place);
          }
        });
    byte[] zeros = new byte[chunkBytes];
    for (int place = 0; place < chunks; place++) {
      if (!seen.contains(place) && !refused.contains(place)) {
        assertThat(Arrays.equals(zeros, expected.chunk(place)))
            .as("whether chunk %d, which is not there, is zeros", place)
            .isTrue();
      }
    }
    return refused;
  }
}
