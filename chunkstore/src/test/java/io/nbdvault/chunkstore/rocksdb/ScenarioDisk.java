package io.nbdvault.chunkstore.rocksdb;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;

/** The disks of {@link CrashScenario}: every process knows what they hold. */
enum ScenarioDisk {
  /** Random bytes, and zeros in between. */
  A,
  /** A, changed in some places. */
  B,
  /** Shares some content with A, elsewhere on the disk. */
  C,
  /** B, changed. */
  D,
  /** D, and some of what only C holds. */
  E,
  /** E, changed, and some of what only A holds. */
  F;

  static final int CHUNK = 16 << 10;
  static final int CHUNKS = 300;
  static final int SIZE_BYTES = CHUNK * CHUNKS;

  /** What each holds. Filled once, when the class is loaded. */
  private static final Map<ScenarioDisk, byte[]> CONTENT = new EnumMap<>(ScenarioDisk.class);

  static {
    for (ScenarioDisk disk : values()) {
      CONTENT.put(disk, new byte[SIZE_BYTES]);
    }
    for (int place = 0; place < CHUNKS; place++) {
      if (place < 100 || place > 120) {
        A.fill(place);
      }
      C.fill(place);
    }
    for (int place = 0; place < CHUNKS; place += 3) {
      C.copy(CHUNKS - 1 - place, A, place);
    }
    B.become(A, 7, 20);
    D.become(B, 11, 15);
    E.become(D, 13, 25);
    for (int place = 1; place < CHUNKS; place += 10) {
      E.copy(place, C, place);
    }
    F.become(E, 17, 20);
    for (int place = 2; place < CHUNKS; place += 30) {
      F.copy(place, A, place);
    }
  }

  /** All of the disk. Shared: nobody changes it. */
  byte[] bytes() {
    return Objects.requireNonNull(CONTENT.get(this));
  }

  /** All chunks, ascending. */
  List<Integer> all() {
    List<Integer> places = new ArrayList<>();
    for (int place = 0; place < CHUNKS; place++) {
      places.add(place);
    }
    return places;
  }

  /** The chunks in which it is not like another, ascending. */
  List<Integer> changed(ScenarioDisk other) {
    List<Integer> places = all();
    places.removeIf(place -> sameAs(other, place));
    return places;
  }

  /** A copy of a chunk. */
  byte[] chunk(int place) {
    return Arrays.copyOfRange(bytes(), place * CHUNK, (place + 1) * CHUNK);
  }

  /** Whether a chunk holds nothing but zeros. */
  boolean isZero(int place) {
    int from = place * CHUNK;
    return Arrays.equals(bytes(), from, from + CHUNK, new byte[CHUNK], 0, CHUNK);
  }

  /** Bytes of all chunks of all disks that are not alike. */
  static long distinctBytes() {
    Set<ByteBuffer> chunks = new HashSet<>();
    for (ScenarioDisk disk : values()) {
      for (int place = 0; place < CHUNKS; place++) {
        chunks.add(ByteBuffer.wrap(disk.bytes(), place * CHUNK, CHUNK));
      }
    }
    return (long) chunks.size() * CHUNK;
  }

  private boolean sameAs(ScenarioDisk other, int place) {
    int from = place * CHUNK;
    return Arrays.equals(bytes(), from, from + CHUNK, other.bytes(), from, from + CHUNK);
  }

  private void become(ScenarioDisk other, int step, int changes) {
    copyChunks(other.bytes(), 0, bytes(), 0, CHUNKS);
    for (int i = 0; i < changes; i++) {
      fill(i * step % CHUNKS);
    }
  }

  private void fill(int place) {
    byte[] content = new byte[CHUNK];
    new Random(name().hashCode() * 1_000_003L + place).nextBytes(content);
    copyChunks(content, 0, bytes(), place, 1);
  }

  private void copy(int place, ScenarioDisk other, int otherPlace) {
    copyChunks(other.bytes(), otherPlace, bytes(), place, 1);
  }

  private static void copyChunks(byte[] from, int fromPlace, byte[] to, int toPlace, int count) {
    System.arraycopy(from, fromPlace * CHUNK, to, toPlace * CHUNK, count * CHUNK);
  }
}
