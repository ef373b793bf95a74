package io.nbdvault.chunkstore.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.Seeds;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OrdinalRangesTest {
  private static final int ORDINALS = 60;

  @Test
  void holdWhatWasAddedHoweverItOverlaps() {
    Random random = Seeds.random("ranges");
    for (int round = 0; round < 500; round++) {
      OrdinalRanges ranges = new OrdinalRanges();
      BitSet expected = new BitSet();
      assertThat(ranges.isEmpty()).isTrue();
      for (int i = 0; i < 6; i++) {
        int first = random.nextInt(ORDINALS);
        int last = first + random.nextInt(ORDINALS - first);
        ranges.add(first, last);
        expected.set(first, last + 1);
      }
      assertThat(ranges.isEmpty()).isFalse();
      for (int ordinal = 0; ordinal <= ORDINALS; ordinal++) {
        assertThat(ranges.contains(ordinal)).as("%d", ordinal).isEqualTo(expected.get(ordinal));
      }
    }
  }
}
