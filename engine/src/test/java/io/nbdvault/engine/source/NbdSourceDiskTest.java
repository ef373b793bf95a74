package io.nbdvault.engine.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Two contexts of one block status reply, which may end at different places, become one list. */
class NbdSourceDiskTest {
  private static final String DIRTY = BaseAllocation.dirtyBitmapContext("b");

  private static BlockStatus status(long offset, List<Extent> allocation, List<Extent> dirty) {
    return new BlockStatus(offset, Map.of(BaseAllocation.CONTEXT, allocation, DIRTY, dirty));
  }

  @Test
  void goesAsFarAsTheShorterContext() {
    List<SourceExtent> merged =
        NbdSourceDisk.merge(
            status(
                1000, List.of(new Extent(300, 0)), List.of(new Extent(100, 1), new Extent(50, 0))),
            DIRTY,
            5000);
    assertThat(merged)
        .containsExactly(
            new SourceExtent(1000, 100, ExtentKind.DATA),
            new SourceExtent(1100, 50, ExtentKind.UNCHANGED));
  }

  @Test
  void goesNoFurtherThanWasAskedFor() {
    assertThat(
            NbdSourceDisk.merge(
                status(0, List.of(new Extent(900, 0)), List.of(new Extent(800, 1))), DIRTY, 512))
        .containsExactly(new SourceExtent(0, 512, ExtentKind.DATA));
  }

  @Test
  void takesZeroBeforeDirtyAndBeforeClean() {
    List<Extent> zero =
        List.of(new Extent(10, BaseAllocation.ZERO), new Extent(10, BaseAllocation.ZERO | 1));
    assertThat(
            NbdSourceDisk.merge(
                status(0, zero, List.of(new Extent(5, 1), new Extent(15, 0))), DIRTY, 20))
        .containsExactly(new SourceExtent(0, 20, ExtentKind.ZERO));
  }

  @Test
  void readsAHoleThatIsNotSaidToBeZero() {
    assertThat(
            NbdSourceDisk.merge(
                status(0, List.of(new Extent(8, BaseAllocation.HOLE)), List.of(new Extent(8, 1))),
                DIRTY,
                8))
        .containsExactly(new SourceExtent(0, 8, ExtentKind.DATA));
  }

  @Test
  void readsEverythingThatIsNotZeroWithoutABitmap() {
    BlockStatus status =
        new BlockStatus(
            64,
            Map.of(
                BaseAllocation.CONTEXT,
                List.of(new Extent(10, 0), new Extent(6, 3), new Extent(1, 1))));
    assertThat(NbdSourceDisk.merge(status, null, 100))
        .containsExactly(
            new SourceExtent(64, 10, ExtentKind.DATA),
            new SourceExtent(74, 6, ExtentKind.ZERO),
            new SourceExtent(80, 1, ExtentKind.DATA));
  }

  @Test
  void takesAReplyWithoutTheBitmapForABrokenServer() {
    BlockStatus status =
        new BlockStatus(7, Map.of(BaseAllocation.CONTEXT, List.of(new Extent(10, 0))));
    assertThatThrownBy(() -> NbdSourceDisk.merge(status, DIRTY, 10))
        .hasMessageContaining("block status at 7");
  }

  @Test
  void mergesWhatAModelOfSingleBytesMerges() {
    long seed = Long.getLong("nbdvault.seed", System.nanoTime());
    System.out.println("nbdvault.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 3_000; round++) {
      List<Long> allocation = new ArrayList<>();
      List<Long> dirty = new ArrayList<>();
      BlockStatus status = status(50, extents(random, allocation, 4), extents(random, dirty, 2));
      long asked = 1L + random.nextInt(60);
      List<ExtentKind> bytes = new ArrayList<>();
      long next = 50;
      for (SourceExtent extent : NbdSourceDisk.merge(status, DIRTY, asked)) {
        assertThat(extent.offsetBytes()).isEqualTo(next);
        next = extent.endBytes();
        for (long i = 0; i < extent.lengthBytes(); i++) {
          bytes.add(extent.kind());
        }
      }
      assertThat(bytes)
          .as("seed %d round %d", seed, round)
          .isEqualTo(model(allocation, dirty, asked));
    }
  }

  private static List<Extent> extents(Random random, List<Long> bytes, int flagsEnd) {
    List<Extent> extents = new ArrayList<>();
    for (int count = 1 + random.nextInt(6); count > 0; count--) {
      Extent extent = new Extent(1 + random.nextInt(12), random.nextInt(flagsEnd));
      extents.add(extent);
      for (long i = 0; i < extent.lengthBytes(); i++) {
        bytes.add(extent.flags());
      }
    }
    return extents;
  }

  private static List<ExtentKind> model(List<Long> allocation, List<Long> dirty, long asked) {
    List<ExtentKind> kinds = new ArrayList<>();
    for (int i = 0; i < Math.min(asked, Math.min(allocation.size(), dirty.size())); i++) {
      boolean zero = (allocation.get(i) & 2) != 0;
      boolean written = (dirty.get(i) & 1) != 0;
      kinds.add(zero ? ExtentKind.ZERO : written ? ExtentKind.DATA : ExtentKind.UNCHANGED);
    }
    return kinds;
  }
}
