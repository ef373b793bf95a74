package io.nbdvault.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.nbd.NbdProtocolException;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class CoverageTest {
  @Test
  void acceptsRangesInAnyOrder() throws Exception {
    Coverage coverage = new Coverage(100, 200);
    coverage.add(150, 200);
    coverage.add(120, 150);
    assertThat(coverage.isComplete()).isFalse();
    assertThat(coverage.describe()).contains("missing byte is at 100");
    coverage.add(100, 120);
    assertThat(coverage.isComplete()).isTrue();
  }

  @Test
  void doesNotSumUpBytes() throws Exception {
    Coverage coverage = new Coverage(0, 200);
    coverage.add(0, 100);
    coverage.add(0, 100);
    assertThat(coverage.isComplete()).isFalse();
    assertThat(coverage.describe()).contains("overlapping");
  }

  @Test
  void limitsSeparateRanges() throws Exception {
    Coverage coverage = new Coverage(0, 1 << 20);
    for (int i = 1; i <= ClientLimits.COVERAGE_RANGES_MAX; i++) {
      coverage.add(2L * i, 2L * i + 1);
    }
    assertThatThrownBy(() -> coverage.add(1 << 19, (1 << 19) + 1))
        .isInstanceOf(NbdProtocolException.class);
  }

  @Test
  void agreesWithABitSet() throws Exception {
    long seed = Long.getLong("nbdvault.test.seed", System.nanoTime());
    System.out.println("CoverageTest nbdvault.test.seed=" + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      int size = 1 + random.nextInt(12);
      Coverage coverage = new Coverage(1000, 1000 + size);
      BitSet seen = new BitSet();
      boolean overlapping = false;
      for (int i = random.nextInt(8); i >= 0; i--) {
        int from = random.nextInt(size);
        int to = from + 1 + random.nextInt(Math.min(4, size - from));
        overlapping |= !seen.get(from, to).isEmpty();
        seen.set(from, to);
        coverage.add(1000 + from, 1000 + to);
      }
      assertThat(coverage.isComplete()).isEqualTo(!overlapping && seen.cardinality() == size);
    }
  }
}
