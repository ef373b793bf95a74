package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.ChunkStore;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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

  /**
   * Which chunks of a snapshot may be refused, as they are damaged.
   *
   * @param chunks damaged themselves: whole again once a chunk of that content is stored anew
   * @param below what lies below damaged nodes: whole again once the whole disk is stored anew
   */
  record Hurt(Set<Integer> chunks, Set<Integer> below) {
    static final Hurt NOTHING = new Hurt(Set.of(), Set.of());

    /** Of a snapshot that could not be read when something was damaged. */
    static Hurt anything() {
      return new Hurt(Set.of(), IntStream.range(0, CHUNKS).boxed().collect(Collectors.toSet()));
    }

    Hurt {
      chunks = Set.copyOf(chunks);
      below = Set.copyOf(below);
    }

    boolean isNothing() {
      return chunks.isEmpty() && below.isEmpty();
    }

    Set<Integer> all() {
      Set<Integer> all = new HashSet<>(chunks);
      all.addAll(below);
      return all;
    }
  }

  /** A snapshot: what each chunk holds, by number, 0 for zeros. */
  static final class Snapshot {
    private final SnapshotId id;
    private final int vm;
    private final int[] content;
    private final Set<Integer> stored;
    private volatile Hurt hurt = Hurt.NOTHING;
    private Set<Fate> fates;
    private boolean isProtected;

    private Snapshot(SnapshotId id, int vm, int[] content, int[] stored) {
      this.id = id;
      this.vm = vm;
      this.content = content;
      this.stored = Arrays.stream(stored).boxed().collect(Collectors.toSet());
      this.fates = EnumSet.of(Fate.ABSENT, Fate.KEPT);
    }

    SnapshotId id() {
      return id;
    }

    int[] content() {
      return content.clone();
    }

    int vm() {
      return vm;
    }

    /** What of it may be refused now. */
    Hurt hurt() {
      return hurt;
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
      int vm = Integer.parseInt(words[3]);
      snapshots.put(id, new Snapshot(id, vm, numbers(words[4]), numbers(words[5])));
      return;
    }
    Snapshot snapshot = Objects.requireNonNull(snapshots.get(id), line);
    switch (words[1]) {
      case "commit" -> {
        become(snapshot, done, Fate.KEPT);
        heal(snapshot);
      }
      case "undelete" -> become(snapshot, done, Fate.KEPT);
      case "hurt" ->
          snapshot.hurt =
              new Hurt(
                  Arrays.stream(numbers(words[3])).boxed().collect(Collectors.toSet()),
                  Arrays.stream(numbers(words[4])).boxed().collect(Collectors.toSet()));
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

  /** What a snapshot has stored is whole in all others; all that are like it are whole. */
  private void heal(Snapshot committed) {
    for (Snapshot snapshot : snapshots.values()) {
      Set<Integer> chunks = new HashSet<>(snapshot.hurt.chunks);
      chunks.removeIf(place -> committed.stored.contains(snapshot.content[place]));
      boolean isLike = Arrays.equals(snapshot.content, committed.content);
      snapshot.hurt = isLike ? Hurt.NOTHING : new Hurt(chunks, snapshot.hurt.below);
    }
  }

  /**
   * What is said before a commit.
   *
   * @param stored the numbers of what was put
   */
  static String commitLine(SnapshotId id, int vm, int[] content, int[] stored) {
    return "begin commit %s %d %s %s end".formatted(id.hex(), vm, list(content), list(stored));
  }

  static String hurtLine(SnapshotId id, Hurt hurt) {
    int[] chunks = hurt.chunks.stream().mapToInt(Integer::intValue).toArray();
    int[] below = hurt.below.stream().mapToInt(Integer::intValue).toArray();
    return "done hurt %s %s %s end".formatted(id.hex(), list(chunks), list(below));
  }

  private static String list(int[] numbers) {
    return Arrays.stream(numbers).mapToObj(Integer::toString).collect(Collectors.joining(","));
  }

  private static int[] numbers(String list) {
    return list.isEmpty()
        ? new int[0]
        : Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  /** Whether anything of any snapshot may be refused. */
  synchronized boolean isHurt() {
    return snapshots.values().stream().anyMatch(snapshot -> !snapshot.hurt.isNothing());
  }

  /** All snapshots that there may be. */
  synchronized List<Snapshot> all() {
    return List.copyOf(snapshots.values());
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
      lines.add(commitLine(snapshot.id, snapshot.vm, snapshot.content, new int[0]));
      lines.add("done commit " + snapshot.id.hex());
      if (!snapshot.fates.contains(Fate.KEPT)) {
        lines.add("done forget " + snapshot.id.hex());
      }
      if (snapshot.isProtected) {
        lines.add("done protect " + snapshot.id.hex());
      }
    }
    for (Snapshot snapshot : snapshots.values()) {
      lines.add(hurtLine(snapshot.id, snapshot.hurt));
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

  /** Reads a snapshot and compares every byte, but of what may be refused. */
  static void checkContent(ChunkStore store, Snapshot snapshot) throws IOException {
    try (SnapshotReader reader = store.open(snapshot.id)) {
      checkContent(reader, snapshot);
    }
  }

  /** Reads what a reader has open and compares every byte, but of what may be refused. */
  static void checkContent(SnapshotReader reader, Snapshot snapshot) throws IOException {
    // Before it is read: it may heal meanwhile.
    Hurt hurt = snapshot.hurt;
    Hurt found = find(reader, snapshot);
    assertThat(hurt.all()).as("hurt of snapshot %s", snapshot.id).containsAll(found.all());
  }

  /** What of a snapshot is refused; everything else is compared. */
  static Hurt find(SnapshotReader reader, Snapshot snapshot) throws IOException {
    Set<Integer> below = new HashSet<>();
    Set<Integer> refused =
        DamagedDisks.compare(
            reader.disk("vda"), place -> chunk(snapshot.content[place]), below::add);
    refused.removeIf(place -> snapshot.content[place] == 0);
    below.removeIf(place -> snapshot.content[place] == 0);
    refused.removeAll(below);
    return new Hurt(refused, below);
  }
}
