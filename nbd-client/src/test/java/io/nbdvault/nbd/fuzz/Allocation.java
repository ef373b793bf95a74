package io.nbdvault.nbd.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.Supplier;

/** Bounds what may be allocated for an input: an announced length must not become an array. */
public final class Allocation {
  /** Room for the operations' buffers and the tests' own notes. */
  private static final long BYTES_FREE = 1 << 20;

  private static final long BYTES_PER_INPUT_BYTE = 4 << 10;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final int ATTEMPTS = 3;

  private Allocation() {}

  /**
   * Runs {@code work}, and again if it allocated too much: the first time may load classes, and a
   * fuzzer allocates when it instruments them.
   *
   * @throws AssertionError if more was allocated each time than so many bytes of input justify
   */
  public static <T> T bounded(int inputBytes, Supplier<T> work) {
    long allowed = BYTES_FREE + inputBytes * BYTES_PER_INPUT_BYTE;
    long allocated = 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      T result = work.get();
      allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      if (allocated <= allowed) {
        return result;
      }
    }
    throw new AssertionError(
        "allocated " + allocated + " bytes for an input of " + inputBytes + " bytes");
  }
}
