package io.nbdvault.engine.restore;

import io.nbdvault.engine.JobException;
import io.nbdvault.engine.process.PrivateDirectory;
import io.nbdvault.engine.process.Tool;
import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * An image or a device that QEMU's own server writes for us: {@code qemu-nbd} knows the formats and
 * how to give back space on every kind of device. It ends when we disconnect.
 */
final class ImageTarget implements RestoreTarget {
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration END_TIMEOUT = Duration.ofMinutes(10);
  private static final int CONNECTIONS = 1;

  /** What happens to the image once it is complete. */
  interface Publication {
    void sync() throws IOException;

    void publish() throws IOException;

    void discard() throws IOException;
  }

  private final String name;
  private final PrivateDirectory directory;
  private final Tool server;
  private final NbdTarget disk;
  private final Publication publication;

  private ImageTarget(
      String name,
      PrivateDirectory directory,
      Tool server,
      NbdTarget disk,
      Publication publication) {
    this.name = name;
    this.directory = directory;
    this.server = server;
    this.disk = disk;
    this.publication = publication;
  }

  /** A new qcow2 image of {@code sizeBytes}, under a temporary name until it is complete. */
  static ImageTarget createQcow2(Path target, long sizeBytes)
      throws IOException, JobException, InterruptedException {
    TemporaryFile file = TemporaryFile.create(target);
    boolean opened = false;
    try {
      String path = file.path().toString();
      Tool.run(
          "qemu-img",
          List.of("create", "-q", "-f", "qcow2", "--", path, Long.toString(sizeBytes)),
          START_TIMEOUT);
      ImageTarget created =
          serve(target.toString(), "qcow2", path, true, new TemporaryPublication(file));
      opened = true;
      return created;
    } finally {
      if (!opened) {
        file.remove();
      }
    }
  }

  private record TemporaryPublication(TemporaryFile file) implements Publication {
    @Override
    public void sync() throws IOException {
      file.sync();
    }

    @Override
    public void publish() throws IOException {
      file.publish();
    }

    @Override
    public void discard() throws IOException {
      file.remove();
    }
  }

  /** An existing block device, written in place. */
  static ImageTarget openDevice(Path device)
      throws IOException, JobException, InterruptedException {
    return serve(device.toString(), "raw", device.toString(), false, new InPlace());
  }

  /** A device has its name already, and the server's flush has made it durable. */
  private record InPlace() implements Publication {
    @Override
    public void sync() {}

    @Override
    public void publish() {}

    @Override
    public void discard() {}
  }

  private static ImageTarget serve(
      String name, String format, String path, boolean startsZeroed, Publication publication)
      throws IOException, JobException, InterruptedException {
    PrivateDirectory directory = PrivateDirectory.create();
    Tool server = null;
    boolean opened = false;
    try {
      Path socket = directory.resolve("nbd");
      Path pidFile = directory.resolve("pid");
      server =
          Tool.start(
              "qemu-nbd",
              List.of(
                  "-f",
                  format,
                  "--discard=unmap",
                  "--pid-file=" + pidFile,
                  "-k",
                  socket.toString(),
                  "--",
                  path));
      awaitListening(server, pidFile);
      NbdTarget disk = NbdTarget.connect(NbdUri.unix(socket, ""), CONNECTIONS, startsZeroed);
      opened = true;
      return new ImageTarget(name, directory, server, disk, publication);
    } finally {
      if (!opened) {
        if (server != null) {
          server.close();
        }
        directory.close();
      }
    }
  }

  /** The socket is there a moment before anybody listens on it; the pid file comes after that. */
  private static void awaitListening(Tool server, Path pidFile)
      throws JobException, InterruptedException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!Files.exists(pidFile)) {
      if (!server.isRunning()) {
        throw JobException.failed(server.failure());
      }
      if (System.nanoTime() - deadline > 0) {
        throw JobException.failed(
            "qemu-nbd did not start within " + START_TIMEOUT.toSeconds() + " s");
      }
      Thread.sleep(5);
    }
  }

  long sizeBytes() {
    return disk.sizeBytes();
  }

  boolean isZero(long lengthBytes) throws IOException {
    return disk.isZero(lengthBytes);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean startsZeroed() {
    return disk.startsZeroed();
  }

  @Override
  public void write(long offsetBytes, ByteBuffer source) throws IOException {
    disk.write(offsetBytes, source);
  }

  @Override
  public void zero(long offsetBytes, long lengthBytes) throws IOException {
    disk.zero(offsetBytes, lengthBytes);
  }

  @Override
  public void complete() throws IOException {
    disk.complete();
    disk.close();
    awaitEnd();
    publication.sync();
  }

  /** The server writes the image's last metadata when it ends, so its end is part of the work. */
  private void awaitEnd() throws IOException {
    try {
      if (!server.waitFor(END_TIMEOUT)) {
        throw new IOException("qemu-nbd did not end within " + END_TIMEOUT.toMinutes() + " min");
      }
      if (server.exitCode() != 0) {
        throw new IOException(server.failure());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new java.io.InterruptedIOException("interrupted while qemu-nbd was ending");
    }
  }

  @Override
  public void publish() throws IOException {
    publication.publish();
  }

  @Override
  public void close() throws IOException {
    try (directory;
        server) {
      disk.close();
    } finally {
      publication.discard();
    }
  }
}
