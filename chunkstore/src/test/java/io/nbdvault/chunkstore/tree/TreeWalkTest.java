package io.nbdvault.chunkstore.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.DamagedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A tree of three full leaves and one of five chunks, in which nodes are lost. */
class TreeWalkTest {
  private static final int FANOUT = TreeShape.FANOUT;
  private static final int CHUNKS = 3 * FANOUT + 5;

  private final MemoryNodes nodes = new MemoryNodes();
  private final TreeShape shape = TreeShape.ofDisk((long) CHUNKS << 16, 1 << 16);
  private final List<Long> seen = new ArrayList<>();
  private final List<String> lost = new ArrayList<>();
  private ChunkId root = ChunkId.ZERO;

  @BeforeEach
  void build() throws IOException {
    TreeBuilder builder = new TreeBuilder(shape, ChunkId.ZERO, nodes, nodes);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      builder.append(chunk, new ChunkId(chunk + 1, 2, 3, 4));
    }
    root = builder.finish().root();
  }

  private void walkWithout(ChunkId... missing) throws IOException {
    TreeWalk.forEachReadableChunk(
        shape,
        root,
        id -> {
          if (Set.of(missing).contains(id)) {
            throw new DamagedException("node " + id, OptionalLong.empty(), "lost", null);
          }
          return nodes.read(id);
        },
        (index, id) -> seen.add(index),
        (first, count, damage) -> lost.add(damage.reason() + " " + first + "+" + count));
  }

  @Test
  void visitsEverythingOfAWholeTree() throws IOException {
    walkWithout();
    assertThat(seen).containsExactlyElementsOf(LongStream.range(0, CHUNKS).boxed().toList());
    assertThat(lost).isEmpty();
  }

  @Test
  void goesOnBehindNodesThatAreLost() throws IOException {
    walkWithout(nodes.read(root).child(1), nodes.read(root).child(3));
    assertThat(lost).containsExactly("lost " + FANOUT + "+" + FANOUT, "lost " + 3 * FANOUT + "+5");
    assertThat(seen)
        .hasSize(2 * FANOUT)
        .contains(0L, FANOUT - 1L, 2L * FANOUT, 3L * FANOUT - 1)
        .doesNotContain((long) FANOUT);
  }

  @Test
  void tellsOfTheWholeDiskIfItsRootIsLost() throws IOException {
    walkWithout(root);
    assertThat(lost).containsExactly("lost 0+" + CHUNKS);
    assertThat(seen).isEmpty();
  }

  @Test
  void endsAtALostNodeWhereNobodyIsToldOfThem() {
    MemoryNodes empty = new MemoryNodes();
    assertThatThrownBy(
            () -> TreeWalk.forEachChunk(shape, root, empty, 0, CHUNKS, (index, id) -> true))
        .isInstanceOf(DamagedException.class);
  }
}
