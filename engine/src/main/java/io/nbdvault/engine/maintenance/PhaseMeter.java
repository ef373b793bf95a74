package io.nbdvault.engine.maintenance;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Tells a listener how far a phase is: when it begins and ends, and else five times a second. */
final class PhaseMeter {
  private static final long INTERVAL_NANOS = 200_000_000;

  private final JobListener listener;
  private @Nullable Enum<?> told;
  private long toldNanos;

  PhaseMeter(JobListener listener) {
    this.listener = listener;
  }

  /** Of one thread. */
  void tell(Enum<?> phase, long done, long expected, boolean inBytes) {
    long now = System.nanoTime();
    if (phase == told && done < expected && now - toldNanos < INTERVAL_NANOS) {
      return;
    }
    told = phase;
    toldNanos = now;
    listener.onEvent(
        new JobEvent.PhaseProgress(
            phase.name().toLowerCase(Locale.ROOT), done, Math.max(done, expected), inBytes));
  }
}
