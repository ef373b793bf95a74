package io.nbdvault.cli.nbd;

import java.util.concurrent.atomic.LongAdder;

/** How far a copy is. Any thread. */
final class CopyTally {
  private final LongAdder dataBytes = new LongAdder();
  private final LongAdder zeroBytes = new LongAdder();

  /** Bytes were read from the source and written. */
  void data(long bytes) {
    dataBytes.add(bytes);
  }

  /** Bytes were not read, as the source said that they are zeroes. */
  void zero(long bytes) {
    zeroBytes.add(bytes);
  }

  long dataBytes() {
    return dataBytes.sum();
  }

  long doneBytes() {
    return dataBytes.sum() + zeroBytes.sum();
  }
}
