package io.nbdvault.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.pipeline.LostRanges.Range;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LostRangesTest {
  @Test
  void joinsNeighboursInWhateverOrderTheyCome() {
    long seed = PipelineFixture.seed();
    List<Range> pieces = new ArrayList<>();
    for (long offset = 0; offset < 100; offset += 10) {
      pieces.add(new Range(1000 + offset, 10));
    }
    pieces.add(new Range(0, 1));
    pieces.add(new Range(1200, 5));
    Collections.shuffle(pieces, new Random(seed));
    LostRanges lost = new LostRanges();
    pieces.forEach(piece -> lost.add(piece.offsetBytes(), piece.lengthBytes()));
    assertThat(lost.ranges())
        .containsExactly(new Range(0, 1), new Range(1000, 100), new Range(1200, 5));
  }

  @Test
  void refusesWhatIsNoRange() {
    assertThatThrownBy(() -> new LostRanges().add(0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
