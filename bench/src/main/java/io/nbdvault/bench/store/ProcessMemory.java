package io.nbdvault.bench.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much memory this process has resident, all of it, as Linux counts it. */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  private ProcessMemory() {}

  /** The most since {@link #resetPeak} was called, or since the process began; in bytes. */
  static long peakBytes() throws IOException {
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException(STATUS + " has no line VmHWM");
  }

  /** Lets the peak begin again at what is resident now; see proc(5), clear_refs, value 5. */
  static void resetPeak() throws IOException {
    Files.writeString(CLEAR_REFS, "5");
  }
}
