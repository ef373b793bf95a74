package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.DiskImage;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a repository must hold while {@link RandomOperations} are done to it: kept up to date by
 * what is said before and after each, in this process or another. Any thread may use it.
 */
final class RandomModel {
  static final int CHUNK = 16 << 10;

  /** More than one leaf. */
  static final int CHUNKS = 150;

  static final int SIZE_BYTES = CHUNK * CHUNKS;

  /** What may be found of a snapshot. */
  enum Fate {
    KEPT,
    /** Forgotten, and since a collection may be under way at any time, perhaps gone. */
    FORGOTTEN,
    ABSENT
  }

  /** A snapshot: what each chunk holds, by number, 0 for zeros. */
  static final class Snapshot {
    private final SnapshotId id;
    private final int vm;
    private final int[] content;
    private Set<Fate> fates;
    private boolean isProtected;

    private Snapshot(SnapshotId id, int vm, int[] content) {
      this.id = id;
      this.vm = vm;
      this.content = content;
      this.fates = EnumSet.of(Fate.ABSENT, Fate.KEPT);
    }

    SnapshotId id() {
      return id;
    }

    int[] content() {
      return content.clone();
    }

    boolean isProtected() {
      return isProtected;
    }
  }

  private final Map<SnapshotId, Snapshot> snapshots = new LinkedHashMap<>();

  /** What a chunk of that number holds: half of it can be compressed away. */
  static byte[] chunk(int number) {
    byte[] bytes = new byte[CHUNK];
    if (number > 0) {
      byte[] random = new byte[CHUNK / 2];
      new Random(number * 7919L).nextBytes(random);
      System.arraycopy(random, 0, bytes, 0, random.length);
    }
    return bytes;
  }

  /** Takes what was said: {@code begin} or {@code done}, what, the snapshot, and more. */
  synchronized void note(String line) {
    String[] words = line.split(" ", -1);
    boolean done = words[0].equals("done");
    SnapshotId id = new SnapshotId(words[2]);
    if (words[1].equals("commit") && !done) {
      int[] content = Arrays.stream(words[4].split(",")).mapToInt(Integer::parseInt).toArray();
      snapshots.put(id, new Snapshot(id, Integer.parseInt(words[3]), content));
      return;
    }
    Snapshot snapshot = Objects.requireNonNull(snapshots.get(id), line);
    switch (words[1]) {
      case "commit", "undelete" -> become(snapshot, done, Fate.KEPT);
      case "forget" -> become(snapshot, done, Fate.FORGOTTEN);
      case "gone" -> become(snapshot, done, Fate.ABSENT);
      case "protect" -> snapshot.isProtected = true;
      case "unprotect" -> snapshot.isProtected = false;
      default -> throw new AssertionError(line);
    }
  }

  private static void become(Snapshot snapshot, boolean done, Fate fate) {
    if (done) {
      snapshot.fates = EnumSet.of(fate);
    } else {
      snapshot.fates.add(fate);
    }
  }

  static String commitLine(SnapshotId id, int vm, int[] content) {
    return "begin commit %s %d %s end"
        .formatted(
            id.hex(),
            vm,
            Arrays.stream(content).mapToObj(Integer::toString).collect(Collectors.joining(",")));
  }

  /** The snapshots of a VM of which this is certain. */
  synchronized List<Snapshot> of(int vm, Fate fate) {
    List<Snapshot> found = new ArrayList<>();
    for (Snapshot snapshot : snapshots.values()) {
      if (snapshot.vm == vm && snapshot.fates.equals(EnumSet.of(fate))) {
        found.add(snapshot);
      }
    }
    return found;
  }

  /** What another process needs to go on from here, to be noted there line by line. */
  synchronized List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (Snapshot snapshot : snapshots.values()) {
      lines.add(commitLine(snapshot.id, snapshot.vm, snapshot.content));
      lines.add("done commit " + snapshot.id.hex());
      if (!snapshot.fates.contains(Fate.KEPT)) {
        lines.add("done forget " + snapshot.id.hex());
      }
      if (snapshot.isProtected) {
        lines.add("done protect " + snapshot.id.hex());
      }
    }
    return lines;
  }

  /** Compares with a store to which nothing is done meanwhile; from then on all is certain. */
  synchronized void check(ChunkStore store) throws IOException {
    Map<SnapshotId, CatalogEntry> found = new LinkedHashMap<>();
    store.catalog().forEach(entry -> found.put(entry.record().id(), entry));
    assertThat(snapshots.keySet()).containsAll(found.keySet());
    for (Snapshot snapshot : List.copyOf(snapshots.values())) {
      CatalogEntry entry = found.get(snapshot.id);
      if (entry == null) {
        assertThat(snapshot.fates).as("%s is gone", snapshot.id).isNotEqualTo(Set.of(Fate.KEPT));
        snapshots.remove(snapshot.id);
      } else if (entry.isKept()) {
        assertThat(snapshot.fates).as("%s is kept", snapshot.id).contains(Fate.KEPT);
        snapshot.fates = EnumSet.of(Fate.KEPT);
        snapshot.isProtected = entry.state().isProtected();
        checkContent(store, snapshot);
      } else {
        assertThat(snapshot.fates).as("%s is forgotten", snapshot.id).contains(Fate.FORGOTTEN);
        snapshot.fates = EnumSet.of(Fate.FORGOTTEN);
      }
    }
  }

  /** Reads a snapshot and compares every byte. */
  static void checkContent(ChunkStore store, Snapshot snapshot) throws IOException {
    try (SnapshotReader reader = store.open(snapshot.id)) {
      checkContent(reader, snapshot);
    }
  }

  /** Reads what a reader has open and compares every byte. */
  static void checkContent(SnapshotReader reader, Snapshot snapshot) throws IOException {
    byte[] found = DiskImage.readAll(reader.disk("vda"));
    for (int place = 0; place < CHUNKS; place++) {
      byte[] expected = chunk(snapshot.content[place]);
      int from = place * CHUNK;
      assertThat(Arrays.equals(found, from, from + CHUNK, expected, 0, CHUNK))
          .as("chunk %d of snapshot %s", place, snapshot.id)
          .isTrue();
    }
  }
}
