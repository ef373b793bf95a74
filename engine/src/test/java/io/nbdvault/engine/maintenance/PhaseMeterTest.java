package io.nbdvault.engine.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import io.nbdvault.chunkstore.CollectListener.Phase;
import io.nbdvault.engine.JobEvent;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PhaseMeterTest {
  private final List<JobEvent> told = new ArrayList<>();
  private final PhaseMeter meter = new PhaseMeter(told::add);

  @Test
  void tellsWhereAPhaseBeginsAndEnds() {
    meter.tell(Phase.SWEEP, 1, 9, false);
    meter.tell(Phase.SWEEP, 2, 9, false);
    meter.tell(Phase.SWEEP, 9, 9, false);
    meter.tell(Phase.RECLAIM, 0, 9, true);

    assertThat(told)
        .containsExactly(
            new JobEvent.PhaseProgress("sweep", 1, 9, false),
            new JobEvent.PhaseProgress("sweep", 9, 9, false),
            new JobEvent.PhaseProgress("reclaim", 0, 9, true));
  }

  @Test
  void neverSaysThatWhatHasNoKnownEndHasEnded() {
    for (int node = 1; node <= 1000; node++) {
      meter.tell(Phase.MARK, node, 0, false);
    }

    assertThat(told).hasSizeLessThan(100).first().isEqualTo(progress(1));
    assertThat(told).allSatisfy(event -> assertThat(expected(event)).isZero());
  }

  private static JobEvent progress(long done) {
    return new JobEvent.PhaseProgress("mark", done, 0, false);
  }

  private static long expected(JobEvent event) {
    return ((JobEvent.PhaseProgress) event).expected();
  }
}
