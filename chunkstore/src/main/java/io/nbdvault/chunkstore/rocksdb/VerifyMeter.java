package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.VerifyListener;
import io.nbdvault.chunkstore.VerifyPhase;
import io.nbdvault.chunkstore.VerifyProgress;
import java.util.concurrent.TimeUnit;

/** Counts how far a verification is, and tells it now and then. One thread advances it. */
final class VerifyMeter {
  private static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final VerifyListener listener;
  private final VerifyFindings findings;
  private VerifyPhase phase = VerifyPhase.TREES;
  private long done;
  private long expected;
  private long toldNanos;
  private boolean ended;

  VerifyMeter(VerifyListener listener, VerifyFindings findings) {
    this.listener = listener;
    this.findings = findings;
  }

  /** Begins a phase of so many steps, 0 if that is not known. */
  void begin(VerifyPhase newPhase, long expectedSteps) {
    phase = newPhase;
    done = 0;
    expected = expectedSteps;
    tell();
  }

  /** Notes a step. Returns false once the listener wants no more. */
  boolean advance() {
    return advance(1);
  }

  /** Notes some steps. Returns false once the listener wants no more. */
  boolean advance(long steps) {
    done += steps;
    if (System.nanoTime() - toldNanos >= INTERVAL_NANOS) {
      tell();
    }
    return !ended;
  }

  /** Whether the listener wants no more. */
  boolean hasEnded() {
    return ended;
  }

  private void tell() {
    toldNanos = System.nanoTime();
    VerifyProgress progress =
        new VerifyProgress(phase, done, expected, findings.readBytes(), findings.damaged());
    ended |= !listener.proceed(progress);
  }
}
