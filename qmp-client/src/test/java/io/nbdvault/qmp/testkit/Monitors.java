package io.nbdvault.qmp.testkit;

import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpConnectException;
import io.nbdvault.qmp.QmpDisconnectedException;
import io.nbdvault.qmp.QmpOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A process with two QMP sockets, because QEMU serves one client per monitor: one is for the code
 * under test, to the other the test is connected.
 */
final class Monitors {
  private static final Duration START_MAX = Duration.ofSeconds(30);
  private static final Duration QUIT_MAX = Duration.ofSeconds(30);
  private static final long POLL_MILLIS = 20;

  private final ChildProcess process;
  private final Path toolSocket;
  private final QmpClient testMonitor;

  private Monitors(ChildProcess process, Path toolSocket, QmpClient testMonitor) {
    this.process = process;
    this.toolSocket = toolSocket;
    this.testMonitor = testMonitor;
  }

  /** Waits until the test's monitor greets. */
  static Monitors await(ChildProcess process, Path toolSocket, Path testSocket) throws IOException {
    long deadlineNanos = System.nanoTime() + START_MAX.toNanos();
    try {
      while (true) {
        try {
          return new Monitors(
              process, toolSocket, QmpClient.connect(testSocket, QmpOptions.defaults()));
        } catch (QmpConnectException e) {
          if (!process.isAlive() || System.nanoTime() > deadlineNanos) {
            throw new IOException(process.describe("no monitor: " + e.getMessage()), e);
          }
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (IOException e) {
      process.kill();
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.kill();
      throw new IOException("interrupted while the process started", e);
    }
  }

  ChildProcess process() {
    return process;
  }

  Path toolSocket() {
    return toolSocket;
  }

  QmpClient testMonitor() {
    return testMonitor;
  }

  /** QMP quit, which stores persistent bitmaps, and waits for the end. */
  void quit() throws IOException {
    try {
      var unused = testMonitor.execute("quit");
    } catch (QmpDisconnectedException e) {
      // QEMU may be gone before its reply is read.
      if (process.isAlive() && testMonitor.isOpen()) {
        throw e;
      }
    }
    int exitCode = process.waitFor(QUIT_MAX);
    testMonitor.close();
    if (exitCode != 0) {
      throw new IOException(process.describe("quit"));
    }
  }

  void kill() throws IOException {
    testMonitor.close();
    process.kill();
  }

  /** Kills what is left of it; sockets too, since a killed QEMU leaves them. */
  void close() throws IOException {
    kill();
    Files.deleteIfExists(toolSocket);
  }
}
