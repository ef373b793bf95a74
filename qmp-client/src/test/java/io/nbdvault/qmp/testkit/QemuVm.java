package io.nbdvault.qmp.testkit;

import io.nbdvault.qmp.QmpClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A QEMU without an operating system in it. The test writes as a guest would, through the device's
 * own block backend, and so above every filter: writing by node name would go beneath them and
 * break a backup's point in time.
 *
 * <p>Disk {@code vda} is the device {@code vda} on the format node {@code vda-node}, whose file is
 * the node {@code vda-file}.
 */
public final class QemuVm implements AutoCloseable {
  private final Monitors monitors;
  private final QemuIo guest;
  private final List<String> commandLine;

  QemuVm(Monitors monitors, List<String> commandLine) {
    this.monitors = monitors;
    this.guest = new QemuIo(monitors);
    this.commandLine = commandLine;
  }

  /**
   * Describes a VM to be started.
   *
   * @param dir existing directory for its sockets and output; its path must be short (a socket's
   *     has at most 107 bytes)
   */
  public static QemuVmBuilder builder(Path dir) {
    return new QemuVmBuilder(dir);
  }

  /** Returns the name of a disk's format node, the one that bitmaps belong on. */
  public static String nodeName(String disk) {
    return disk + "-node";
  }

  /** Returns the QMP socket that is free for the code under test. */
  public Path toolSocket() {
    return monitors.toolSocket();
  }

  /** Returns the test's own session, on another monitor. */
  public QmpClient testMonitor() {
    return monitors.testMonitor();
  }

  /** Returns the command line that started it. */
  public List<String> commandLine() {
    return commandLine;
  }

  /** Fills a range of the disk with a byte. */
  public void guestWrite(String disk, long offset, long length, int pattern) throws IOException {
    guest.run(disk, "write -P " + pattern + " " + offset + " " + length, "wrote", length);
  }

  /** Discards a range; the disk's node has discard=unmap. */
  public void guestDiscard(String disk, long offset, long length) throws IOException {
    guest.run(disk, "discard " + offset + " " + length, "discard", length);
  }

  /** Writes zeroes with a write-zeroes request, without permission to unmap. */
  public void guestWriteZeroes(String disk, long offset, long length) throws IOException {
    guest.run(disk, "write -z " + offset + " " + length, "wrote", length);
  }

  /** Reads a range and fails unless it is filled with the byte. */
  public void guestRead(String disk, long offset, long length, int pattern) throws IOException {
    guest.run(disk, "read -P " + pattern + " " + offset + " " + length, "read", length);
  }

  /** Flushes the disk. */
  public void guestFlush(String disk) throws IOException {
    guest.runQuietly(disk, "flush");
  }

  /** Returns the process id. */
  public long pid() {
    return monitors.process().pid();
  }

  /** Returns whether the process runs. */
  public boolean isAlive() {
    return monitors.process().isAlive();
  }

  /** Returns what QEMU has written to its standard error so far. */
  public String stderr() throws IOException {
    return monitors.process().stderr();
  }

  /** QMP quit, which stores persistent bitmaps; waits for the end. */
  public void quit() throws IOException {
    monitors.quit();
  }

  /** SIGKILL; waits for the end. */
  public void kill() throws IOException {
    monitors.kill();
  }

  /** Kills QEMU if it still runs. */
  @Override
  public void close() throws IOException {
    monitors.close();
  }
}
