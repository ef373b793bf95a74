package io.nbdvault.bench.store;

import io.nbdvault.chunkstore.CollectListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How long each phase of a collection takes, and how much memory. */
final class PhaseTimes implements CollectListener {
  private @Nullable Phase current;
  private long begunNanos;
  private double begunCpu;

  @Override
  public void progress(Phase phase, long done, long expected) {
    if (phase != current) {
      end();
      current = phase;
      begunNanos = System.nanoTime();
      begunCpu = ProcessUse.cpuSeconds();
    }
  }

  /** Prints the phase that has ended: {@code phase=mark seconds=1.234 cpu=1.2 peak_bytes=123}. */
  void end() {
    if (current == null) {
      return;
    }
    try {
      System.out.printf(
          Locale.ROOT,
          "phase=%s seconds=%.3f cpu=%.3f peak_bytes=%d%n",
          current.name().toLowerCase(Locale.ROOT),
          (System.nanoTime() - begunNanos) / 1e9,
          ProcessUse.cpuSeconds() - begunCpu,
          ProcessUse.peakBytes());
      ProcessUse.resetPeak();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
