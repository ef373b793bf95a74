package io.nbdvault.engine.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A block device whose content is a file. Needs root. */
public final class LoopDevice implements AutoCloseable {
  private static final long RUN_SECONDS_MAX = 30;

  private final Path path;

  private LoopDevice(Path path) {
    this.path = path;
  }

  public static LoopDevice over(Path file) throws IOException {
    return new LoopDevice(Path.of(run("losetup", "--find", "--show", file.toString())));
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    var unused = run("losetup", "--detach", path.toString());
  }

  /** Runs a program; returns what it printed. */
  public static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    try {
      if (!process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IOException(List.of(command) + " failed (it needs root): " + output);
      }
      return output;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while running " + List.of(command), e);
    }
  }
}
