package io.nbdvault.engine;

import java.time.Duration;

/**
 * Every bound the jobs keep, in one place. What a job holds in memory is at most {@code
 * budgetBytes} of plaintext being read, hashed or written, plus what the store's own limits say.
 *
 * @param budgetBytes plaintext between a read's start and its chunks being stored, in bytes
 * @param requestBytesMax the largest single NBD read or write a pipeline makes, in bytes; QEMU
 *     faults in a fresh buffer for each request, and 128 to 512 KiB measured best
 * @param connections NBD connections to one export; QEMU serves at most 16 requests on each
 * @param extentWindowBytes how much of a disk one block status request asks about, in bytes
 * @param pendingRunsMax runs of chunks a disk may have between being planned and being appended
 * @param workers threads that hash, compress and decompress
 * @param scratchFreeBytesMin the backup is cancelled when a scratch filesystem has less free
 * @param scratchPollInterval how often the scratch filesystems are looked at
 * @param teardownTimeout how long putting a guest back may take before it is reported as failed
 * @param freezeTimeout how long the guest agent may take to freeze the guest's filesystems
 * @param thawTimeout how long one attempt to thaw may take
 */
public record EngineLimits(
    long budgetBytes,
    int requestBytesMax,
    int connections,
    long extentWindowBytes,
    int pendingRunsMax,
    int workers,
    long scratchFreeBytesMin,
    Duration scratchPollInterval,
    Duration teardownTimeout,
    Duration freezeTimeout,
    Duration thawTimeout) {

  /**
   * Nearly what one request can ask about, and whole chunks of any size: a disk of 4 TiB that holds
   * little costs a thousand round trips.
   */
  private static final long EXTENT_WINDOW_BYTES = (4L << 30) - (4L << 20);

  public EngineLimits {
    atLeast("budgetBytes", budgetBytes, requestBytesMax);
    atLeast("requestBytesMax", requestBytesMax, 64 << 10);
    atLeast("connections", connections, 1);
    atLeast("extentWindowBytes", extentWindowBytes, 1 << 20);
    atLeast("pendingRunsMax", pendingRunsMax, 1);
    atLeast("workers", workers, 1);
    atLeast("scratchFreeBytesMin", scratchFreeBytesMin, 0);
  }

  /** The limits of a command: two cores, 512 MB resident. */
  public static EngineLimits defaults() {
    return new EngineLimits(
        32L << 20,
        256 << 10,
        2,
        EXTENT_WINDOW_BYTES,
        1024,
        Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors())),
        128L << 20,
        Duration.ofMillis(500),
        Duration.ofSeconds(30),
        Duration.ofSeconds(10),
        Duration.ofSeconds(5));
  }

  /**
   * What is left for one of several jobs that run at once in one command: together they hold at
   * most twice the plaintext of one.
   *
   * @param jobs how many run at once
   */
  public EngineLimits forOneOf(int jobs) {
    atLeast("jobs", jobs, 1);
    return new EngineLimits(
        Math.max(16L * requestBytesMax, Math.min(budgetBytes, 2 * budgetBytes / jobs)),
        requestBytesMax,
        connections,
        extentWindowBytes,
        pendingRunsMax,
        Math.max(1, Math.min(workers, 2 * workers / jobs)),
        scratchFreeBytesMin,
        scratchPollInterval,
        teardownTimeout,
        freezeTimeout,
        thawTimeout);
  }

  /** These limits with another floor of free scratch space, in bytes. */
  public EngineLimits withScratchFreeBytesMin(long bytes) {
    return new EngineLimits(
        budgetBytes,
        requestBytesMax,
        connections,
        extentWindowBytes,
        pendingRunsMax,
        workers,
        bytes,
        scratchPollInterval,
        teardownTimeout,
        freezeTimeout,
        thawTimeout);
  }

  private static void atLeast(String name, long value, long min) {
    if (value < min) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + min + ")");
    }
  }
}
