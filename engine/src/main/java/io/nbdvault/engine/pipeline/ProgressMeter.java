package io.nbdvault.engine.pipeline;

import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** Counts what a job has done and tells its listener, at most five times a second. Any thread. */
public final class ProgressMeter {
  private static final long INTERVAL_NANOS = 200_000_000;

  private final JobListener listener;
  private final long expectedBytes;
  private final LongAdder doneBytes = new LongAdder();
  private final LongAdder newBytes = new LongAdder();
  private final LongAdder duplicateBytes = new LongAdder();
  private final AtomicLong nextReportNanos = new AtomicLong(System.nanoTime());

  public ProgressMeter(JobListener listener, long expectedBytes) {
    this.listener = listener;
    this.expectedBytes = expectedBytes;
  }

  /** Counts bytes read from or written to a disk. */
  public void moved(long bytes) {
    doneBytes.add(bytes);
    report();
  }

  /** Counts content that was stored. */
  void stored(long bytesNew, long bytesDuplicate) {
    newBytes.add(bytesNew);
    duplicateBytes.add(bytesDuplicate);
  }

  private void report() {
    long now = System.nanoTime();
    long next = nextReportNanos.get();
    if (now - next >= 0 && nextReportNanos.compareAndSet(next, now + INTERVAL_NANOS)) {
      tell();
    }
  }

  /** Tells the listener now, whenever it was told last. */
  public void tell() {
    long done = doneBytes.sum();
    listener.onEvent(
        new JobEvent.Progress(
            done, Math.max(expectedBytes, done), newBytes.sum(), duplicateBytes.sum()));
  }
}
