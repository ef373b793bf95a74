package io.nbdvault.bench.store;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process uses, all of it: resident memory and processor time. */
final class ProcessUse {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path IO = Path.of("/proc/self/io");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  private ProcessUse() {}

  /** Seconds of processor time, of all threads, since the process began. */
  static double cpuSeconds() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  /** Bytes that this process has caused to be written to disk; see proc(5), io. */
  static long writtenBytes() throws IOException {
    return number(IO, "write_bytes:");
  }

  /** The most memory since {@link #resetPeak} was called, or since the process began; in bytes. */
  static long peakBytes() throws IOException {
    return number(STATUS, "VmHWM:") << 10;
  }

  /** Lets the peak begin again at what is resident now; see proc(5), clear_refs, value 5. */
  static void resetPeak() throws IOException {
    Files.writeString(CLEAR_REFS, "5");
  }

  private static long number(Path file, String name) throws IOException {
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith(name)) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException(file + " has no line " + name);
  }
}
