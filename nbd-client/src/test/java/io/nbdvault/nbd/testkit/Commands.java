package io.nbdvault.nbd.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Runs the tools that tests compare with. */
public final class Commands {
  private static final long RUN_SECONDS_MAX = 60;

  private Commands() {}

  /** Runs a command to its end and returns what it wrote; fails unless it exits with 0. */
  public static String run(String... command) throws IOException, InterruptedException {
    // A file, not a pipe: reading a pipe would outlast the deadline.
    Path output = Files.createTempFile("command", ".out");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException(String.join(" ", command) + ": " + Files.readString(output));
      }
      return Files.readString(output);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      Files.delete(output);
    }
  }
}
