package io.nbdvault.chunkstore.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TreeDiffTest {
  private static final int CHUNK = 64 << 10;
  private static final long TIB = 1L << 40;

  private final MemoryNodes nodes = new MemoryNodes();

  private record Range(long first, long end) {}

  /** The tree of a disk. */
  private record Disk(TreeShape shape, ChunkId root) {}

  @Test
  void agreesWithComparingChunkByChunk() throws IOException {
    Random random = Seeds.random("diff against array");
    for (int round = 0; round < 300; round++) {
      ChunkId[] a = randomDisk(random);
      ChunkId[] b = random.nextInt(4) == 0 ? randomDisk(random) : changed(random, a);
      Disk diskA = disk(a);
      Disk diskB = disk(b);
      List<Range> expected = expected(a, b);
      nodes.readsSinceLast();
      assertThat(diff(diskA, diskB)).isEqualTo(expected);
      int reads = nodes.readsSinceLast();
      long differing = expected.stream().mapToLong(range -> range.end() - range.first()).sum();
      int heights = diskA.shape().height() + diskB.shape().height();
      assertThat((long) reads).isLessThanOrEqualTo((differing + 1) * heights);
      assertThat(diff(diskB, diskA)).isEqualTo(expected);
    }
  }

  @Test
  void showsWhatLiesInARangeAndReadsNoNodeBesideIt() throws IOException {
    Random random = Seeds.random("diff of a range");
    for (int round = 0; round < 300; round++) {
      ChunkId[] a = randomDisk(random);
      ChunkId[] b = random.nextInt(4) == 0 ? randomDisk(random) : changed(random, a);
      int count = Math.max(a.length, b.length);
      int first = random.nextInt(count + 1);
      int end = first + random.nextInt(random.nextBoolean() ? 300 : count + 200);
      List<Range> expected = new ArrayList<>();
      for (Range range : expected(a, b)) {
        if (range.first() < end && range.end() > first) {
          expected.add(new Range(Math.max(first, range.first()), Math.min(end, range.end())));
        }
      }
      assertThat(diff(disk(a), disk(b), first, end)).isEqualTo(expected);
    }
  }

  @Test
  void readsTwoPathsForAChunkOfADiskOfWhichAllHasChanged() throws IOException {
    ChunkId[] a = new ChunkId[128 * 200];
    ChunkId[] b = new ChunkId[128 * 300];
    Arrays.setAll(a, i -> id(i + 1));
    Arrays.setAll(b, i -> id(-i - 1));
    Disk diskA = disk(a);
    Disk diskB = disk(b);
    nodes.readsSinceLast();
    assertThat(diff(diskA, diskB, 20_000, 20_001)).containsExactly(new Range(20_000, 20_001));
    assertThat(nodes.readsSinceLast()).isEqualTo(6);
    assertThat(diff(diskA, diskB, 20_000, 20_000)).isEmpty();
    assertThatThrownBy(() -> diff(diskA, diskB, 5, 4)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readsTwoPathsForOneChunkOfFourTebibytes() throws IOException {
    TreeShape shape = TreeShape.ofDisk(4 * TIB, CHUNK);
    TreeBuilder before = new TreeBuilder(shape, ChunkId.ZERO, nodes, nodes);
    for (long chunk = 0; chunk < shape.chunkCount(); chunk += 50_001) {
      before.append(chunk, id(chunk + 1));
    }
    ChunkId root = before.finish().root();
    TreeBuilder after = new TreeBuilder(shape, root, nodes, nodes);
    after.append(50_001L * 7, id(-1));
    ChunkId changed = after.finish().root();
    nodes.readsSinceLast();
    assertThat(diff(new Disk(shape, root), new Disk(shape, changed)))
        .containsExactly(new Range(50_001L * 7, 50_001L * 7 + 1));
    assertThat(nodes.readsSinceLast()).isEqualTo(8);
  }

  @Test
  void readsNothingForTreesThatAreTheSame() throws IOException {
    Disk disk = disk(randomDisk(new Random(3)));
    Disk zeros = disk(zeros(100));
    nodes.readsSinceLast();
    assertThat(diff(disk, disk)).isEmpty();
    assertThat(diff(zeros, disk(zeros(100_000)))).isEmpty();
    assertThat(nodes.readsSinceLast()).isZero();
  }

  @Test
  void readsOnePathMoreForADiskThatHasGrownByZeros() throws IOException {
    ChunkId[] full = new ChunkId[128 * 20 + 5];
    Arrays.setAll(full, i -> id(i + 1));
    ChunkId[] grown = Arrays.copyOf(full, 128 * 128 * 3);
    Arrays.fill(grown, full.length, grown.length, ChunkId.ZERO);
    Disk before = disk(full);
    Disk after = disk(grown);
    assertThat(before.shape().height()).isEqualTo(2);
    assertThat(after.shape().height()).isEqualTo(3);
    nodes.readsSinceLast();
    assertThat(diff(before, after)).isEmpty();
    // Three levels of the one and two of the other, down to the leaf in which the smaller ends.
    assertThat(nodes.readsSinceLast()).isEqualTo(5);
  }

  @Test
  void stopsWhenTheVisitorHasSeenEnough() throws IOException {
    ChunkId[] a = new ChunkId[40_000];
    Arrays.setAll(a, i -> id(i + 1));
    ChunkId[] b = a.clone();
    for (int i = 0; i < b.length; i += 100) {
      b[i] = ChunkId.ZERO;
    }
    Disk diskA = disk(a);
    Disk diskB = disk(b);
    nodes.readsSinceLast();
    List<Long> seen = new ArrayList<>();
    TreeDiff.forEachRange(
        diskA.shape(),
        diskA.root(),
        diskB.shape(),
        diskB.root(),
        nodes,
        (first, end) -> {
          seen.add(first);
          return seen.size() < 3;
        });
    assertThat(seen).containsExactly(0L, 100L, 200L);
    assertThat(nodes.readsSinceLast()).isLessThan(20);
  }

  @Test
  void reportsANodeThatIsMissing() throws StoreException {
    Disk disk = disk(randomDisk(new Random(4)));
    Disk damaged = new Disk(disk.shape(), id(9));
    assertThatThrownBy(() -> diff(disk, damaged))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining(id(9).toString());
  }

  private List<Range> diff(Disk a, Disk b) throws IOException {
    List<Range> ranges = new ArrayList<>();
    TreeDiff.forEachRange(
        a.shape(),
        a.root(),
        b.shape(),
        b.root(),
        nodes,
        (first, end) -> ranges.add(new Range(first, end)));
    return ranges;
  }

  private List<Range> diff(Disk a, Disk b, long first, long end) throws IOException {
    List<Range> ranges = new ArrayList<>();
    TreeDiff.forEachRange(
        new TreeDiff.Tree(a.shape(), a.root(), nodes),
        new TreeDiff.Tree(b.shape(), b.root(), nodes),
        first,
        end,
        (from, to) -> ranges.add(new Range(from, to)));
    return ranges;
  }

  private static List<Range> expected(ChunkId[] a, ChunkId[] b) {
    List<Range> ranges = new ArrayList<>();
    int count = Math.max(a.length, b.length);
    for (int i = 0; i < count; ) {
      int first = i;
      while (i < count && !at(a, i).equals(at(b, i))) {
        i++;
      }
      if (i > first) {
        ranges.add(new Range(first, i));
      }
      i++;
    }
    return ranges;
  }

  private static ChunkId at(ChunkId[] chunks, int index) {
    return index < chunks.length ? chunks[index] : ChunkId.ZERO;
  }

  private static ChunkId[] randomDisk(Random random) {
    int bound = List.of(3, 130, 300, 17_000, 40_000).get(random.nextInt(5));
    ChunkId[] chunks = zeros(random.nextInt(bound));
    for (int i = 0; i < chunks.length; i++) {
      if (random.nextInt(200) == 0) {
        i += random.nextInt(5_000);
      } else if (random.nextInt(3) != 0) {
        chunks[i] = id(1 + random.nextInt(30));
      }
    }
    return chunks;
  }

  /** The same disk with another size, or some ranges of its content changed, or both. */
  private static ChunkId[] changed(Random random, ChunkId[] before) {
    int length = random.nextBoolean() ? before.length : random.nextInt(before.length * 2 + 200);
    ChunkId[] after = Arrays.copyOf(before, length);
    for (int i = before.length; i < length; i++) {
      after[i] = random.nextInt(500) == 0 ? id(5) : ChunkId.ZERO;
    }
    for (int change = random.nextInt(5); change > 0 && length > 0; change--) {
      int from = random.nextInt(length);
      int end = Math.min(length, from + 1 + random.nextInt(random.nextBoolean() ? 3 : 400));
      Arrays.fill(after, from, end, random.nextBoolean() ? ChunkId.ZERO : id(40 + change));
    }
    return after;
  }

  private Disk disk(ChunkId[] chunks) throws StoreException {
    TreeShape shape = TreeShape.ofDisk((long) chunks.length * CHUNK, CHUNK);
    TreeBuilder builder = new TreeBuilder(shape, ChunkId.ZERO, nodes, nodes);
    for (int chunk = 0; chunk < chunks.length; chunk++) {
      builder.append(chunk, chunks[chunk]);
    }
    return new Disk(shape, builder.finish().root());
  }

  private static ChunkId[] zeros(int count) {
    ChunkId[] chunks = new ChunkId[count];
    Arrays.fill(chunks, ChunkId.ZERO);
    return chunks;
  }

  private static ChunkId id(long number) {
    return new ChunkId(1, 2, 3, number);
  }
}
