package io.nbdvault.chunkstore.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.Seeds;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TreeBuilderTest {
  private static final int CHUNK = 64 << 10;
  private static final long TIB = 1L << 40;

  private final MemoryNodes nodes = new MemoryNodes();

  @Test
  void agreesWithPlainArrayOverRandomBackups() throws IOException {
    Random random = Seeds.random("tree against array");
    for (int disk = 0; disk < 60; disk++) {
      int count = 1 + random.nextInt(random.nextBoolean() ? 300 : 40_000);
      TreeShape shape = shape(count);
      ChunkId[] model = new ChunkId[count];
      Arrays.fill(model, ChunkId.ZERO);
      ChunkId root = ChunkId.ZERO;
      for (int backup = 0; backup < 6; backup++) {
        root = randomBackup(random, shape, root, model).root();
        assertThat(root).as("the same content has one root").isEqualTo(fromScratch(shape, model));
        assertThat(contents(shape, root, 0, count)).isEqualTo(List.of(model));
      }
      int first = random.nextInt(count + 1);
      int end = first + random.nextInt(count - first + 1);
      assertThat(contents(shape, root, first, end))
          .isEqualTo(Arrays.asList(model).subList(first, end));
    }
  }

  @Test
  void rewritesOnlyThePathAboveAChangedChunk() throws StoreException {
    TreeShape shape = shape(128 * 128 * 10);
    TreeBuilder full = builder(shape, ChunkId.ZERO);
    for (int chunk = 0; chunk < shape.chunkCount(); chunk++) {
      full.append(chunk, id(chunk + 1));
    }
    DiskRoot before = full.finish();
    assertThat(before.nodesNew()).isEqualTo(1280 + 10 + 1);
    nodes.readsSinceLast();

    TreeBuilder incremental = builder(shape, before.root());
    incremental.append(70_000, id(-1));
    incremental.append(70_001, id(-2));
    DiskRoot after = incremental.finish();
    assertThat(after.nodesNew()).isEqualTo(3);
    assertThat(nodes.readsSinceLast()).isEqualTo(3);

    DiskRoot same = builder(shape, after.root()).finish();
    assertThat(same).isEqualTo(new DiskRoot(after.root(), 0, 0));
    assertThat(nodes.readsSinceLast()).isZero();
  }

  @Test
  void storesNothingForChunksThatAreAsTheyWere() throws StoreException {
    TreeShape shape = shape(1000);
    TreeBuilder first = builder(shape, ChunkId.ZERO);
    first.append(500, id(1));
    ChunkId root = first.finish().root();
    TreeBuilder second = builder(shape, root);
    second.append(500, id(1));
    second.appendZeros(600, 100);
    assertThat(second.finish()).isEqualTo(new DiskRoot(root, 0, 0));
  }

  @Test
  void costsOneNodeALevelForOneChunkOfFourTebibytes() throws StoreException {
    TreeShape shape = TreeShape.ofDisk(4 * TIB, CHUNK);
    TreeBuilder sparse = builder(shape, ChunkId.ZERO);
    sparse.append(shape.chunkCount() - 1, id(1));
    DiskRoot root = sparse.finish();
    assertThat(shape.height()).isEqualTo(4);
    assertThat(root.nodesNew()).isEqualTo(4);
    assertThat(nodes.readsSinceLast()).isZero();
  }

  @Test
  void zeroesFourTebibytesWithoutReadingWhatWasThere() throws StoreException {
    TreeShape shape = TreeShape.ofDisk(4 * TIB, CHUNK);
    TreeBuilder scattered = builder(shape, ChunkId.ZERO);
    for (long chunk = 0; chunk < shape.chunkCount(); chunk += 50_001) {
      scattered.append(chunk, id(chunk + 1));
    }
    ChunkId root = scattered.finish().root();
    nodes.readsSinceLast();

    TreeBuilder trimmed = builder(shape, root);
    trimmed.appendZeros(1, shape.chunkCount() - 1);
    DiskRoot after = trimmed.finish();
    // The two lowest nodes are as they were: nothing but chunk 0 was below them.
    assertThat(after.nodesNew()).isEqualTo(2);
    assertThat(nodes.readsSinceLast()).isEqualTo(4);

    TreeBuilder wiped = builder(shape, after.root());
    wiped.appendZeros(0, shape.chunkCount());
    assertThat(wiped.finish()).isEqualTo(new DiskRoot(ChunkId.ZERO, 0, 0));
    assertThat(nodes.readsSinceLast()).isLessThanOrEqualTo(1);
  }

  @Test
  void takesDisksOfEverySize() throws StoreException {
    assertThat(builder(TreeShape.ofDisk(0, CHUNK), ChunkId.ZERO).finish().root())
        .isEqualTo(ChunkId.ZERO);
    assertThat(TreeShape.ofDisk(1, CHUNK)).isEqualTo(new TreeShape(1, 1));
    assertThat(TreeShape.ofDisk(128L * CHUNK, CHUNK)).isEqualTo(new TreeShape(128, 1));
    assertThat(TreeShape.ofDisk(128L * CHUNK + 1, CHUNK)).isEqualTo(new TreeShape(129, 2));
    TreeShape largest = TreeShape.ofDisk(Long.MAX_VALUE, 16 << 10);
    assertThat(largest).isEqualTo(new TreeShape(1L << 49, 7));
    TreeBuilder builder = builder(largest, ChunkId.ZERO);
    builder.append(0, id(1));
    builder.appendZeros(1, largest.chunkCount() - 2);
    builder.append(largest.chunkCount() - 1, id(2));
    assertThat(builder.finish().nodesNew()).isEqualTo(13);
  }

  @Test
  void refusesPlacesOutOfOrderOrOutsideTheDisk() throws StoreException {
    TreeBuilder builder = builder(shape(200), ChunkId.ZERO);
    builder.append(10, id(1));
    assertRefused(() -> builder.append(10, id(2)));
    assertRefused(() -> builder.appendZeros(10, 1));
    assertRefused(() -> builder.append(200, id(2)));
    assertRefused(() -> builder.append(-1, id(2)));
    assertRefused(() -> builder.appendZeros(11, -1));
    assertRefused(() -> builder.appendZeros(150, 51));
    assertRefused(() -> builder.appendZeros(150, Long.MAX_VALUE));
    builder.appendZeros(11, 0);
    builder.appendZeros(200, 0);
    builder.finish();
    assertThatThrownBy(builder::finish).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> builder.append(199, id(2))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void noticesANodeInTheWrongPlace() throws StoreException {
    TreeBuilder small = builder(shape(100), ChunkId.ZERO);
    small.append(1, id(1));
    ChunkId leafOfHundred = small.finish().root();
    assertMisplaced(shape(99), leafOfHundred);
    assertMisplaced(shape(1000), leafOfHundred);
  }

  @Test
  void reportsANodeThatIsMissing() {
    TreeBuilder builder = builder(shape(1000), id(7));
    assertThatThrownBy(() -> builder.append(1, id(1)))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining(id(7).toString());
  }

  @Test
  void stopsWhenTheVisitorHasSeenEnough() throws IOException {
    TreeShape shape = shape(1000);
    TreeBuilder builder = builder(shape, ChunkId.ZERO);
    for (int chunk = 0; chunk < 1000; chunk++) {
      builder.append(chunk, id(chunk + 1));
    }
    ChunkId root = builder.finish().root();
    List<Long> seen = new ArrayList<>();
    TreeWalk.forEachChunk(
        shape,
        root,
        nodes,
        120,
        1000,
        (index, id) -> {
          seen.add(index);
          return seen.size() < 20;
        });
    assertThat(seen).hasSize(20).startsWith(120L).endsWith(139L);
    assertRefused(() -> TreeWalk.forEachChunk(shape, root, nodes, 0, 1001, (i, id) -> true));
    assertRefused(() -> TreeWalk.forEachChunk(shape, root, nodes, -1, 5, (i, id) -> true));
    assertRefused(() -> TreeWalk.forEachChunk(shape, root, nodes, 6, 5, (i, id) -> true));
  }

  private void assertMisplaced(TreeShape shape, ChunkId root) {
    assertThatThrownBy(() -> TreeWalk.forEachChunk(shape, root, nodes, 0, 1, (i, id) -> true))
        .isInstanceOf(DamagedException.class)
        .hasMessageContaining("level");
    TreeBuilder builder = builder(shape, root);
    assertThatThrownBy(() -> builder.append(0, id(1))).isInstanceOf(DamagedException.class);
  }

  private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
  }

  private DiskRoot randomBackup(Random random, TreeShape shape, ChunkId parent, ChunkId[] model)
      throws StoreException {
    TreeBuilder builder = builder(shape, parent);
    int place = random.nextInt(3) == 0 ? 0 : random.nextInt(model.length);
    while (place < model.length) {
      if (random.nextInt(4) == 0) {
        int length = random.nextInt(random.nextBoolean() ? 10 : 20_000);
        length = Math.min(length, model.length - place);
        builder.appendZeros(place, length);
        Arrays.fill(model, place, place + length, ChunkId.ZERO);
        place += length;
      } else {
        ChunkId id = random.nextInt(10) == 0 ? ChunkId.ZERO : id(1 + random.nextInt(50));
        builder.append(place, id);
        model[place] = id;
        place++;
      }
      if (random.nextInt(5) == 0) {
        place += random.nextInt(random.nextBoolean() ? 3 : 5_000);
      }
    }
    return builder.finish();
  }

  private ChunkId fromScratch(TreeShape shape, ChunkId[] model) throws StoreException {
    TreeBuilder builder = builder(shape, ChunkId.ZERO);
    for (int chunk = 0; chunk < model.length; chunk++) {
      builder.append(chunk, model[chunk]);
    }
    return builder.finish().root();
  }

  private List<ChunkId> contents(TreeShape shape, ChunkId root, int first, int end)
      throws IOException {
    ChunkId[] found = new ChunkId[end - first];
    Arrays.fill(found, ChunkId.ZERO);
    TreeWalk.forEachChunk(
        shape,
        root,
        nodes,
        first,
        end,
        (index, id) -> {
          assertThat(id).isNotEqualTo(ChunkId.ZERO);
          found[(int) index - first] = id;
          return true;
        });
    return Arrays.asList(found);
  }

  private TreeBuilder builder(TreeShape shape, ChunkId parent) {
    return new TreeBuilder(shape, parent, nodes, nodes);
  }

  private static TreeShape shape(long chunkCount) {
    return TreeShape.ofDisk(chunkCount * CHUNK, CHUNK);
  }

  private static ChunkId id(long number) {
    return new ChunkId(1, 2, 3, number);
  }
}
