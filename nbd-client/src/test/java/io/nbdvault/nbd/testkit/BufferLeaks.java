package io.nbdvault.nbd.testkit;

import static java.util.stream.Collectors.joining;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Finds reference-counted resources of Netty that became garbage without being released. Netty
 * itself only logs them, whenever it next happens to look.
 *
 * <p>Each check leaks a buffer of its own and waits until that one is reported: a detector that is
 * switched off, came too late or sees no garbage collection fails the check instead of passing it.
 */
public final class BufferLeaks {
  private static final long CHECK_MILLIS_MAX = 20_000;
  private static final long POLL_MILLIS = 2;
  private static final int POLLS_AFTER_CANARY = 5;
  private static final String CANARY = "leaked on purpose, number ";
  private static final AtomicInteger CHECKS = new AtomicInteger();
  private static final Queue<String> REPORTED = new ConcurrentLinkedQueue<>();

  static {
    // Before the first buffer: buffers ask for their detector when their class is initialised.
    ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Recording());
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  private BufferLeaks() {}

  /** Watches every buffer from now on; must be called before the first one is made. */
  static void watch() {
    if (ResourceLeakDetector.getLevel() != ResourceLeakDetector.Level.PARANOID) {
      throw new IllegalStateException("somebody lowered the level of leak detection");
    }
  }

  /**
   * Collects garbage and looks for leaks since the last check.
   *
   * @throws AssertionError with where each leaked resource was made and touched, or if leaks are
   *     not noticed
   */
  public static void check() throws InterruptedException {
    String canary = CANARY + CHECKS.incrementAndGet() + ".";
    leak(canary);
    awaitReport(canary);
    for (int i = 0; i < POLLS_AFTER_CANARY; i++) {
      // The collector hands references over one by one, the canary's perhaps first.
      poll();
    }
    List<String> leaks = new ArrayList<>();
    for (String report = REPORTED.poll(); report != null; report = REPORTED.poll()) {
      if (!report.contains(CANARY)) {
        leaks.add(report);
      }
    }
    if (!leaks.isEmpty()) {
      throw new AssertionError(leaks.size() + " buffers leaked:\n" + String.join("\n", leaks));
    }
  }

  private static void leak(String hint) {
    ByteBuf lost = Unpooled.directBuffer(1);
    lost.touch(hint);
  }

  private static void awaitReport(String canary) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CHECK_MILLIS_MAX);
    System.gc();
    while (REPORTED.stream().noneMatch(report -> report.contains(canary))) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("leak detection does not work: it missed a leak made for it");
      }
      poll();
      if (REPORTED.isEmpty()) {
        System.gc();
      }
    }
  }

  /** Netty looks for leaks of the past whenever a buffer is made. */
  private static void poll() throws InterruptedException {
    Thread.sleep(POLL_MILLIS);
    Unpooled.directBuffer(1).release();
  }

  /** The frames of whatever ran the tests are the same in every report. */
  private static boolean tells(String line) {
    String frame = line.strip();
    return !frame.startsWith("java.base/")
        && !frame.startsWith("org.junit.")
        && !frame.startsWith("org.apache.maven.");
  }

  private static final class Recording extends ResourceLeakDetectorFactory {
    @Override
    @Deprecated
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval, long maxActive) {
      return new RecordingDetector<>(resource, samplingInterval);
    }

    @Override
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval) {
      return new RecordingDetector<>(resource, samplingInterval);
    }
  }

  private static final class RecordingDetector<T> extends ResourceLeakDetector<T> {
    RecordingDetector(Class<T> resource, int samplingInterval) {
      super(resource, samplingInterval);
    }

    @Override
    protected boolean needReport() {
      return true;
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
      REPORTED.add(
          resourceType + records.lines().filter(BufferLeaks::tells).collect(joining("\n")));
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
      REPORTED.add(resourceType);
    }
  }
}
