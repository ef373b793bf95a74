package io.nbdvault.qmp.testkit;

import io.nbdvault.qmp.QmpClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A {@code qemu-storage-daemon} with two QMP monitors. */
public final class StorageDaemonProcess implements AutoCloseable {
  private final Monitors monitors;

  private StorageDaemonProcess(Monitors monitors) {
    this.monitors = monitors;
  }

  /**
   * Starts the daemon and waits until its monitors serve.
   *
   * @param dir existing directory for its sockets and output
   * @param args for example {@code --blockdev driver=…}
   */
  public static StorageDaemonProcess start(Path dir, String... args) throws IOException {
    Path sockets = Files.createTempDirectory(dir, "qsd");
    Path tool = sockets.resolve("tool.qmp");
    Path test = sockets.resolve("test.qmp");
    List<String> command = new ArrayList<>();
    command.add("qemu-storage-daemon");
    command.addAll(List.of(args));
    int number = 0;
    for (Path socket : List.of(tool, test)) {
      String id = "monitor" + number++;
      String path = socket.toString().replace(",", ",,");
      command.addAll(
          List.of("--chardev", "socket,id=" + id + ",path=" + path + ",server=on,wait=off"));
      command.addAll(List.of("--monitor", "chardev=" + id));
    }
    ChildProcess process = ChildProcess.start(dir, "qsd", command);
    return new StorageDaemonProcess(Monitors.await(process, tool, test));
  }

  /** Returns the QMP socket that is free for the code under test. */
  public Path toolSocket() {
    return monitors.toolSocket();
  }

  /** Returns the test's own session, on another monitor. */
  public QmpClient testMonitor() {
    return monitors.testMonitor();
  }

  /** Returns the process id. */
  public long pid() {
    return monitors.process().pid();
  }

  /** Returns whether the process runs. */
  public boolean isAlive() {
    return monitors.process().isAlive();
  }

  /** QMP quit, which stores persistent bitmaps; waits for the end. */
  public void quit() throws IOException {
    monitors.quit();
  }

  /** SIGKILL; waits for the end. */
  public void kill() throws IOException {
    monitors.kill();
  }

  /** Kills the daemon if it still runs. */
  @Override
  public void close() throws IOException {
    monitors.close();
  }
}
