package io.nbdvault.nbd.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.ExportInfo;
import io.nbdvault.nbd.protocol.HeaderStyle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ExtentPlanTest {
  private static final long BYTES = 1L << 40;
  private static final ExportInfo EXPORT =
      new ExportInfo(
          BYTES,
          false,
          true,
          false,
          false,
          false,
          false,
          false,
          false,
          false,
          false,
          1,
          4096,
          1 << 20,
          HeaderStyle.STRUCTURED,
          List.of(BaseAllocation.CONTEXT),
          Optional.empty());

  private static BlockStatus status(long offset, List<Extent> extents) {
    return new BlockStatus(offset, Map.of(BaseAllocation.CONTEXT, extents));
  }

  @Test
  void asksForNoMoreThanTheWindow() throws Exception {
    ExtentPlan plan = new ExtentPlan(EXPORT, Selection.allocated());
    assertThat(plan.wantsMore(1000)).isTrue();
    plan.add(status(0, List.of(new Extent(600, 0), new Extent(401, BaseAllocation.ZERO))));
    assertThat(plan.wantsMore(1000)).isFalse();
    assertThat(plan.zeroes().take(1)).isEqualTo(new Run(600, 1));
    assertThat(plan.wantsMore(1000)).isTrue();
    plan.add(status(1001, List.of(new Extent(BYTES - 1001, 0))));
    assertThat(plan.wantsMore(Long.MAX_VALUE)).isFalse();
  }

  @Test
  void doesNotCollectTheSmallestOfRunsWithoutEnd() throws Exception {
    ExtentPlan plan = new ExtentPlan(EXPORT, Selection.allocated());
    List<Extent> extents = new ArrayList<>();
    for (int i = 0; i < ExtentPlan.RUNS_MAX; i++) {
      extents.add(new Extent(1, i % 2 == 0 ? 0 : BaseAllocation.ZERO));
    }
    plan.add(status(0, extents));
    assertThat(plan.wantsMore(BYTES)).isFalse();
    assertThat(plan.data().take(1)).isEqualTo(new Run(0, 1));
    assertThat(plan.wantsMore(BYTES)).isTrue();
  }
}
