package io.nbdvault.engine.process;

import io.nbdvault.engine.JobException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A program that runs beside us. The kernel ends it with SIGTERM when the thread that started it
 * ends, so that one killed with SIGKILL leaves no program behind that holds an image's lock.
 */
public final class Tool implements AutoCloseable {
  private static final int OUTPUT_BYTES_MAX = 64 << 10;
  private static final Duration END_TIMEOUT = Duration.ofSeconds(20);

  private final String name;
  private final Process process;
  private final CompletableFuture<String> output;

  private Tool(String name, Process process) {
    this.name = name;
    this.process = process;
    this.output = CompletableFuture.supplyAsync(() -> readBounded(process), Tool::startReader);
  }

  private static void startReader(Runnable task) {
    Thread thread = new Thread(task, "tool-output");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Starts a program. Its standard output and error are kept, up to 64 KiB.
   *
   * @throws JobException when it is not installed
   */
  public static Tool start(String name, List<String> arguments) throws JobException {
    List<String> command = new ArrayList<>(List.of("setpriv", "--pdeathsig", "TERM", "--", name));
    command.addAll(arguments);
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      return new Tool(name, process);
    } catch (IOException e) {
      throw JobException.failed(name + " cannot be started", e);
    }
  }

  /**
   * Runs a program to its end.
   *
   * @return what it printed
   * @throws JobException when it fails, with what it said, or when it takes longer than {@code
   *     timeout}
   */
  public static String run(String name, List<String> arguments, Duration timeout)
      throws JobException, InterruptedException {
    try (Tool tool = start(name, arguments)) {
      if (!tool.process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw JobException.failed(name + " did not end within " + timeout.toSeconds() + " s");
      }
      if (tool.process.exitValue() != 0) {
        throw JobException.failed(tool.failure());
      }
      return tool.output();
    }
  }

  /** Drains what the program prints, and keeps the first part. */
  private static String readBounded(Process process) {
    byte[] kept = new byte[OUTPUT_BYTES_MAX];
    byte[] rest = new byte[4096];
    try (InputStream in = process.getInputStream()) {
      int length = in.readNBytes(kept, 0, kept.length);
      while (in.read(rest) >= 0) {
        // Thrown away, so that the program is never blocked on us.
      }
      return new String(kept, 0, length, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(its output cannot be read: " + JobException.sentence(e) + ")";
    }
  }

  public boolean isRunning() {
    return process.isAlive();
  }

  /** Why the program ended, in one sentence: the last line that it printed. */
  public String failure() throws InterruptedException {
    List<String> lines = output().lines().filter(line -> !line.isBlank()).toList();
    String last = lines.isEmpty() ? "it printed nothing" : lines.get(lines.size() - 1).strip();
    int code = process.exitValue();
    if (code == 127 && last.startsWith("setpriv")) {
      return name + " is not installed (Debian: apt-get install qemu-utils qemu-system-common)";
    }
    return last.startsWith(name) ? last : name + ": " + last;
  }

  private String output() throws InterruptedException {
    try {
      return output.get(END_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      return "(its output cannot be read: " + JobException.sentence(e) + ")";
    }
  }

  /** Waits for the program to end by itself; false when {@code timeout} passed first. */
  public boolean waitFor(Duration timeout) throws InterruptedException {
    return process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  public int exitCode() {
    return process.exitValue();
  }

  /** Ends the program: asks first, and kills it when it has not ended in time. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(END_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
