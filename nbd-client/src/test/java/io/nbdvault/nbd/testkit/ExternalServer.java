package io.nbdvault.nbd.testkit;

import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Somebody else's NBD server as a child process. It is up when it has written its PID file, which
 * nbdkit and QEMU do once they listen.
 */
public final class ExternalServer implements AutoCloseable {
  private static final long START_MILLIS_MAX = 60_000;
  private static final long STOP_MILLIS_MAX = 5_000;
  private static final long POLL_MILLIS = 5;
  private static final int PORTS_MAX = 5;
  private static final AtomicInteger SERVERS = new AtomicInteger();

  private final Process process;
  private final NbdUri uri;
  private final Path log;

  private ExternalServer(Process process, NbdUri uri, Path log) {
    this.process = process;
    this.uri = uri;
    this.log = log;
  }

  /**
   * Runs {@code nbdkit -f -U SOCKET ARGS} and waits until it listens.
   *
   * @param dir gets the socket and the log; its path must leave room in a socket's 107 bytes
   */
  public static ExternalServer nbdkit(Path dir, String... args) throws IOException {
    Path socket = newSocket(dir, "nbdkit");
    return start(
        List.of("nbdkit", "-f", "-U", socket.toString(), "-P", pidFile(socket).toString()),
        args,
        NbdUri.unix(socket, ""),
        socket);
  }

  /** Runs nbdkit on a free TCP port of 127.0.0.1 and waits until it listens. */
  public static ExternalServer nbdkitTcp(Path dir, String... args) throws IOException {
    IOException failure = new IOException("no free port");
    // Somebody else may take a port that was free.
    for (int i = 0; i < PORTS_MAX; i++) {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      Path name = newSocket(dir, "nbdkit-tcp");
      List<String> command =
          List.of("nbdkit", "-f", "-i", "127.0.0.1", "-p", "" + port, "-P", "" + pidFile(name));
      try {
        return start(command, args, NbdUri.tcp("127.0.0.1", port, ""), name);
      } catch (IOException e) {
        failure = e;
        if (!String.valueOf(e.getMessage()).contains("in use")) {
          break;
        }
      }
    }
    throw failure;
  }

  /**
   * Runs {@code qemu-nbd -t -k SOCKET ARGS} and waits until it listens.
   *
   * @param args {@code -x NAME} among them also names the export in {@link #uri()}
   */
  public static ExternalServer qemuNbd(Path dir, String... args) throws IOException {
    Path socket = newSocket(dir, "qemu-nbd");
    int name = Arrays.asList(args).indexOf("-x") + 1;
    return start(
        List.of(
            "qemu-nbd", "-t", "-k", socket.toString(), "--pid-file", pidFile(socket).toString()),
        args,
        NbdUri.unix(socket, name > 0 ? args[name] : ""),
        socket);
  }

  /**
   * Runs {@code qemu-storage-daemon} with an NBD server and waits until it listens.
   *
   * @param args the block devices and exports
   */
  public static ExternalServer storageDaemon(Path dir, String... args) throws IOException {
    Path socket = newSocket(dir, "qsd");
    // The daemon sets the pieces up in the order of its arguments, and exports need the server.
    List<String> command =
        List.of(
            "qemu-storage-daemon",
            "--pidfile",
            pidFile(socket).toString(),
            "--nbd-server",
            "addr.type=unix,addr.path=" + socket);
    return start(command, args, NbdUri.unix(socket, ""), socket);
  }

  private static Path newSocket(Path dir, String name) {
    return dir.resolve(name + "-" + SERVERS.incrementAndGet() + ".sock");
  }

  private static Path pidFile(Path socket) {
    return socket.resolveSibling(socket.getFileName() + ".pid");
  }

  private static ExternalServer start(List<String> server, String[] args, NbdUri uri, Path socket)
      throws IOException {
    List<String> command = new ArrayList<>(server);
    command.addAll(Arrays.asList(args));
    Path log = socket.resolveSibling(socket.getFileName() + ".log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    ExternalServer started = new ExternalServer(process, uri, log);
    try {
      started.awaitListening(pidFile(socket));
      return started;
    } catch (IOException | RuntimeException e) {
      started.close();
      throw e;
    }
  }

  private void awaitListening(Path pidFile) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_MILLIS_MAX);
    while (!Files.exists(pidFile)) {
      if (!process.isAlive()) {
        throw new IOException("server exited: " + log());
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("server does not listen: " + log());
      }
      try {
        Thread.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the server", e);
      }
    }
  }

  /** What the server has written so far. */
  public String log() throws IOException {
    return Files.readString(log);
  }

  /** The server's export, as named by {@code -x}, or its default. */
  public NbdUri uri() {
    return uri;
  }

  /** Another export of the server. */
  public NbdUri uri(String otherExportName) {
    return new NbdUri(uri.endpoint(), otherExportName);
  }

  /** The server's process. */
  public ProcessHandle processHandle() {
    return process.toHandle();
  }

  /** Stops the server at once, as if it had crashed. */
  public void kill() {
    process.destroyForcibly();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(STOP_MILLIS_MAX, TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
