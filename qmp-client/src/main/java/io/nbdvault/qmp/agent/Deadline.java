package io.nbdvault.qmp.agent;

import java.time.Duration;

/** A point in time that one call's steps share. */
record Deadline(long nanoTime) {
  static Deadline in(Duration timeout) {
    return new Deadline(System.nanoTime() + timeout.toNanos());
  }

  boolean hasPassed() {
    return nanoTime - System.nanoTime() <= 0;
  }

  /** Returns the time left, at least a nanosecond. */
  Duration left() {
    return Duration.ofNanos(Math.max(1, nanoTime - System.nanoTime()));
  }
}
