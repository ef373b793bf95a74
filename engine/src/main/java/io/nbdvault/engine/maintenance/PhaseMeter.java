package io.nbdvault.engine.maintenance;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells a listener how far a phase is: when it begins, and ends if its end is known, and else five
 * times a second.
 */
final class PhaseMeter {
  private static final long INTERVAL_NANOS = 200_000_000;

  private final JobListener listener;
  private @Nullable String told;
  private long toldNanos;

  PhaseMeter(JobListener listener) {
    this.listener = listener;
  }

  /** Of one thread. {@code expected} is 0 if it is not known. */
  void tell(Enum<?> phase, long done, long expected, boolean inBytes) {
    tell(phase.name().toLowerCase(Locale.ROOT), done, expected, inBytes);
  }

  /** As above. */
  void tell(String phase, long done, long expected, boolean inBytes) {
    long now = System.nanoTime();
    boolean ends = expected > 0 && done >= expected;
    if (phase.equals(told) && !ends && now - toldNanos < INTERVAL_NANOS) {
      return;
    }
    told = phase;
    toldNanos = now;
    long atLeast = expected == 0 ? 0 : Math.max(done, expected);
    listener.onEvent(new JobEvent.PhaseProgress(phase, done, atLeast, inBytes));
  }
}
