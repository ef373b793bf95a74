package io.nbdvault.engine.source;

/** What is known of a stretch of a disk before reading it. */
public enum ExtentKind {
  /** Must be read. */
  DATA,
  /** Reads as zeroes, whatever the parent snapshot holds there. */
  ZERO,
  /** A proven bitmap says that it has not been written since the parent snapshot. */
  UNCHANGED
}
