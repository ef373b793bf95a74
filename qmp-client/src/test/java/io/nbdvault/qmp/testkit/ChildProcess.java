package io.nbdvault.qmp.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program whose output goes to files, so that it never blocks on a full pipe and the output is
 * there to be shown when a test fails. It dies with this JVM.
 */
final class ChildProcess {
  private static final int SHOWN_CHARS_MAX = 4_000;

  private final List<String> command;
  private final Path stdout;
  private final Path stderr;
  private final Process process;
  private final Thread killer;

  private ChildProcess(List<String> command, Path stdout, Path stderr) throws IOException {
    this.command = command;
    this.stdout = stdout;
    this.stderr = stderr;
    this.process =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(stdout.toFile())
            .redirectError(stderr.toFile())
            .start();
    Process started = process;
    this.killer = new Thread(started::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(killer);
  }

  static ChildProcess start(Path dir, String name, List<String> command) throws IOException {
    Path stdout = Files.createTempFile(dir, name + "-", ".out");
    String base = stdout.toString();
    Path stderr = Path.of(base.substring(0, base.length() - ".out".length()) + ".err");
    return new ChildProcess(List.copyOf(command), stdout, stderr);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  String stdout() throws IOException {
    return Files.readString(stdout, StandardCharsets.UTF_8);
  }

  String stderr() throws IOException {
    return Files.readString(stderr, StandardCharsets.UTF_8);
  }

  /** Waits for the end; returns the exit code. */
  int waitFor(Duration timeout) throws IOException {
    try {
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException(describe("still running after " + timeout.toSeconds() + " s"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(describe("interrupted while it was running"), e);
    }
    forget();
    return process.exitValue();
  }

  /** SIGKILL, and waits. */
  void kill() throws IOException {
    var unused = process.destroyForcibly();
    int unusedCode = waitFor(Duration.ofSeconds(20));
  }

  /** Says what happened, with the command line and the end of its output. */
  String describe(String what) {
    String state = process.isAlive() ? "running" : "exit code " + process.exitValue();
    return what
        + " ("
        + state
        + ")\ncommand: "
        + String.join(" ", command)
        + "\nstderr: "
        + tail(stderr)
        + "\nstdout: "
        + tail(stdout);
  }

  private static String tail(Path file) {
    try {
      String text = Files.readString(file, StandardCharsets.UTF_8);
      return text.substring(Math.max(0, text.length() - SHOWN_CHARS_MAX));
    } catch (IOException e) {
      return "cannot be read: " + e;
    }
  }

  private void forget() {
    try {
      var unused = Runtime.getRuntime().removeShutdownHook(killer);
    } catch (IllegalStateException e) {
      // The JVM is shutting down: the hook runs, and finds the process gone.
      return;
    }
  }
}
