package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.source.ExtentKind;
import io.nbdvault.engine.source.SourceExtent;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Extents in, runs of chunks out, compared with a model that knows of single bytes only. */
class ChunkPlannerTest {
  private static final int CHUNK = 16;
  private static final int ROUNDS = 4_000;
  private static final List<ExtentKind> KINDS = List.of(ExtentKind.values());

  /** Whether the parent has a zero at each byte; a disk without a parent asks nothing. */
  private boolean[] parentZero = new boolean[0];

  private final List<ChunkRun> runs = new ArrayList<>();

  private ChunkPlanner planner(long size) {
    runs.clear();
    return new ChunkPlanner(
        size,
        CHUNK,
        (offset, length) -> {
          for (long at = offset; at < offset + length; at++) {
            if (!parentZero[(int) at]) {
              return false;
            }
          }
          return true;
        },
        runs::add);
  }

  private List<ChunkRun> plan(long size, SourceExtent... extents) throws Exception {
    ChunkPlanner planner = planner(size);
    for (SourceExtent extent : extents) {
      planner.add(extent);
    }
    planner.finish();
    return List.copyOf(runs);
  }

  private static SourceExtent extent(long offset, long length, ExtentKind kind) {
    return new SourceExtent(offset, length, kind);
  }

  @Test
  void plansWhatAModelOfSingleBytesPlans() throws Exception {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      int size = 1 + random.nextInt(20 * CHUNK);
      ExtentKind[] kinds = new ExtentKind[size];
      parentZero = new boolean[size];
      for (int at = 0; at < size; at++) {
        parentZero[at] = random.nextInt(8) != 0;
      }
      List<SourceExtent> extents = randomExtents(random, kinds);
      List<ChunkRun> planned = plan(size, extents.toArray(new SourceExtent[0]));
      assertRunsAreInOrderAndWhole(planned, size);
      for (ChunkRun run : planned) {
        for (long chunk = run.firstChunk(); chunk < run.endChunk(); chunk++) {
          assertThat(run.kind())
              .as("seed %d round %d chunk %d of %s", seed, round, chunk, extents)
              .isEqualTo(expected(kinds, (int) chunk));
        }
      }
    }
  }

  private static List<SourceExtent> randomExtents(Random random, ExtentKind[] kinds) {
    List<SourceExtent> extents = new ArrayList<>();
    int position = 0;
    while (position < kinds.length) {
      int longest = random.nextBoolean() ? CHUNK / 2 : 5 * CHUNK;
      int length = Math.min(kinds.length - position, 1 + random.nextInt(longest));
      if (random.nextBoolean()) {
        length = Math.max(1, length / CHUNK * CHUNK);
      }
      ExtentKind kind = KINDS.get(random.nextInt(KINDS.size()));
      extents.add(extent(position, length, kind));
      for (int i = 0; i < length; i++) {
        kinds[position++] = kind;
      }
    }
    return extents;
  }

  private ChunkRun.Kind expected(ExtentKind[] kinds, int chunk) {
    boolean allZero = true;
    boolean kept = true;
    for (int at = chunk * CHUNK; at < Math.min((chunk + 1) * CHUNK, kinds.length); at++) {
      allZero &= kinds[at] == ExtentKind.ZERO;
      kept &= kinds[at] == ExtentKind.UNCHANGED || (kinds[at] == ExtentKind.ZERO && parentZero[at]);
    }
    if (allZero) {
      return ChunkRun.Kind.ZERO;
    }
    return kept ? ChunkRun.Kind.KEEP : ChunkRun.Kind.READ;
  }

  private static void assertRunsAreInOrderAndWhole(List<ChunkRun> planned, long size) {
    long next = 0;
    ChunkRun before = null;
    for (ChunkRun run : planned) {
      assertThat(run.firstChunk()).isEqualTo(next);
      assertThat(run.chunkCount()).isPositive();
      if (before != null) {
        assertThat(run.kind()).as("neighbours are one run").isNotEqualTo(before.kind());
      }
      next = run.endChunk();
      before = run;
    }
    assertThat(next).isEqualTo((size + CHUNK - 1) / CHUNK);
  }

  /** Shrunk and grown again: no bitmap noticed, and block status says zero beyond the cut. */
  @Test
  void readsMixedChunkWhoseParentHoldsDataWhereTheDiskIsZeroNow() throws Exception {
    parentZero = new boolean[2 * CHUNK];
    assertThat(
            plan(
                2 * CHUNK,
                extent(0, CHUNK / 2, ExtentKind.UNCHANGED),
                extent(CHUNK / 2, CHUNK + CHUNK / 2, ExtentKind.ZERO)))
        .containsExactly(
            new ChunkRun(0, 1, ChunkRun.Kind.READ), new ChunkRun(1, 1, ChunkRun.Kind.ZERO));
  }

  @Test
  void keepsMixedChunkWhoseParentIsZeroInTheSamePlaces() throws Exception {
    parentZero = new boolean[CHUNK];
    for (int at = 4; at < CHUNK; at++) {
      parentZero[at] = true;
    }
    assertThat(
            plan(CHUNK, extent(0, 4, ExtentKind.UNCHANGED), extent(4, CHUNK - 4, ExtentKind.ZERO)))
        .containsExactly(new ChunkRun(0, 1, ChunkRun.Kind.KEEP));
  }

  @Test
  void countsTheShortLastChunkAsWhole() throws Exception {
    assertThat(plan(CHUNK + 1, extent(0, CHUNK + 1, ExtentKind.DATA)))
        .containsExactly(new ChunkRun(0, 2, ChunkRun.Kind.READ));
  }

  @Test
  void plansNothingForAnEmptyDisk() throws Exception {
    assertThat(plan(0)).isEmpty();
  }

  @Test
  void refusesGapsOverlapsAndExtentsPastTheEnd() throws Exception {
    ChunkPlanner planner = planner(CHUNK);
    planner.add(extent(0, 4, ExtentKind.DATA));
    for (SourceExtent wrong :
        List.of(
            extent(5, 1, ExtentKind.DATA),
            extent(3, 1, ExtentKind.DATA),
            extent(4, CHUNK, ExtentKind.DATA))) {
      assertThatThrownBy(() -> planner.add(wrong))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("at 4 of 16");
    }
    assertThatThrownBy(planner::finish)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("extents end at 4 of 16");
  }
}
