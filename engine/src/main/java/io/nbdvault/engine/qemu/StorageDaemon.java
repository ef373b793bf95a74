package io.nbdvault.engine.qemu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.JobException;
import io.nbdvault.engine.process.PrivateDirectory;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.qmp.QmpCommandException;
import io.nbdvault.qmp.QmpException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A {@code qemu-storage-daemon} of our own, which nobody else can reach. It ends with us, by
 * SIGTERM if we are killed, and however it is asked to end it first stores the bitmaps of its
 * images.
 */
final class StorageDaemon implements AutoCloseable {
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration END_TIMEOUT = Duration.ofSeconds(60);

  private final PrivateDirectory directory;
  private final Tool daemon;
  private final QemuConnection qemu;
  private boolean closed;

  private StorageDaemon(PrivateDirectory directory, Tool daemon, QemuConnection qemu) {
    this.directory = directory;
    this.daemon = daemon;
    this.qemu = qemu;
  }

  /** Starts one, without images. */
  static StorageDaemon start() throws JobException, IOException, InterruptedException {
    PrivateDirectory directory = PrivateDirectory.create();
    Tool daemon = null;
    boolean started = false;
    try {
      Path socket = directory.resolve("qmp");
      Path pidFile = directory.resolve("pid");
      daemon =
          Tool.start(
              "qemu-storage-daemon",
              List.of(
                  "--pidfile",
                  pidFile.toString(),
                  "--chardev",
                  "socket,id=qmp,server=on,wait=off,path=" + socket,
                  "--monitor",
                  "chardev=qmp"));
      awaitListening(daemon, pidFile);
      StorageDaemon opened =
          new StorageDaemon(directory, daemon, QemuConnection.openPrivate(socket));
      started = true;
      return opened;
    } finally {
      if (!started) {
        if (daemon != null) {
          daemon.close();
        }
        directory.close();
      }
    }
  }

  /** The socket is there a moment before anybody listens on it; the pid file comes after that. */
  private static void awaitListening(Tool daemon, Path pidFile)
      throws JobException, InterruptedException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!Files.exists(pidFile)) {
      if (!daemon.isRunning()) {
        throw JobException.failed(daemon.failure());
      }
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "qemu-storage-daemon did not start within " + START_TIMEOUT.toSeconds() + " s");
      }
      Thread.sleep(5);
    }
  }

  QemuConnection qemu() {
    return qemu;
  }

  /** The options of {@code blockdev-add} for an image or a device, to be written to. */
  static ObjectNode imageOptions(String nodeName, Path file, String format) {
    ObjectNode options =
        JsonNodeFactory.instance
            .objectNode()
            .put("driver", format)
            .put("node-name", nodeName)
            .put("read-only", false);
    options
        .putObject("file")
        .put("driver", Files.isRegularFile(file) ? "file" : "host_device")
        .put("filename", file.toAbsolutePath().toString());
    return options;
  }

  /** Whether QEMU refused because somebody else has the image open. */
  static boolean isLocked(QmpCommandException refused) {
    return refused.desc().contains("Failed to get ") && refused.desc().contains(" lock");
  }

  /** Has the daemon end by itself, which is when it stores the bitmaps in the images. */
  void end() throws JobException {
    try {
      if (qemu.client().isOpen()) {
        var unused = qemu.client().execute("quit");
      }
      if (!daemon.waitFor(END_TIMEOUT)) {
        throw JobException.failed(
            "qemu-storage-daemon did not end within " + END_TIMEOUT.toSeconds() + " s");
      }
    } catch (QmpException e) {
      throw JobException.failed("qemu-storage-daemon cannot be ended", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException(
          JobException.Kind.CANCELLED, "interrupted while ending qemu-storage-daemon", e);
    } finally {
      close();
    }
  }

  /** Why a daemon that has ended did not end well, if so. */
  void checkEndedWell() throws JobException, InterruptedException {
    if (daemon.exitCode() != 0) {
      throw JobException.failed(daemon.failure());
    }
  }

  /** The connection first, then the daemon, then its directory. Closing twice does nothing more. */
  @Override
  public void close() throws JobException {
    if (closed) {
      return;
    }
    closed = true;
    try {
      qemu.close();
      daemon.close();
      directory.close();
    } catch (IOException e) {
      throw JobException.failed("the daemon's directory cannot be removed", e);
    }
  }
}
