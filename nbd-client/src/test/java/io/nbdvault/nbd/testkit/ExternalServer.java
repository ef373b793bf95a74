package io.nbdvault.nbd.testkit;

import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Somebody else's NBD server as a child process. */
public final class ExternalServer implements AutoCloseable {
  private static final long START_MILLIS_MAX = 20_000;
  private static final long STOP_MILLIS_MAX = 5_000;
  private static final long POLL_MILLIS = 10;
  private static final AtomicInteger SERVERS = new AtomicInteger();

  private final Process process;
  private final NbdUri uri;

  private ExternalServer(Process process, NbdUri uri) {
    this.process = process;
    this.uri = uri;
  }

  /**
   * Runs {@code nbdkit -f -U SOCKET ARGS} and waits until it accepts connections.
   *
   * @param dir gets the socket and the log; its path must leave room in a socket's 107 bytes
   */
  public static ExternalServer nbdkit(Path dir, String... args) throws IOException {
    Path socket = newSocket(dir, "nbdkit");
    List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
    command.addAll(Arrays.asList(args));
    return start(command, NbdUri.unix(socket, ""), log(socket));
  }

  /** Runs nbdkit on a free TCP port of 127.0.0.1 and waits until it accepts connections. */
  public static ExternalServer nbdkitTcp(Path dir, String... args) throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    List<String> command =
        new ArrayList<>(List.of("nbdkit", "-f", "-i", "127.0.0.1", "-p", Integer.toString(port)));
    command.addAll(Arrays.asList(args));
    Path log = dir.resolve("nbdkit-" + port + ".log");
    return start(command, NbdUri.tcp("127.0.0.1", port, ""), log);
  }

  /**
   * Runs {@code qemu-nbd -t -k SOCKET ARGS} and waits until it accepts connections.
   *
   * @param args {@code -x NAME} among them also names the export in {@link #uri()}
   */
  public static ExternalServer qemuNbd(Path dir, String... args) throws IOException {
    Path socket = newSocket(dir, "qemu-nbd");
    List<String> command = new ArrayList<>(List.of("qemu-nbd", "-t", "-k", socket.toString()));
    command.addAll(Arrays.asList(args));
    int name = Arrays.asList(args).indexOf("-x") + 1;
    return start(command, NbdUri.unix(socket, name > 0 ? args[name] : ""), log(socket));
  }

  private static Path newSocket(Path dir, String name) {
    return dir.resolve(name + "-" + SERVERS.incrementAndGet() + ".sock");
  }

  private static Path log(Path socket) {
    return socket.resolveSibling(socket.getFileName() + ".log");
  }

  private static ExternalServer start(List<String> command, NbdUri uri, Path log)
      throws IOException {
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    ExternalServer server = new ExternalServer(process, uri);
    try {
      server.awaitAccepting(log);
      return server;
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void awaitAccepting(Path log) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_MILLIS_MAX);
    while (!accepts()) {
      if (!process.isAlive()) {
        throw new IOException("server exited: " + Files.readString(log));
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("server does not accept: " + Files.readString(log));
      }
      try {
        Thread.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the server", e);
      }
    }
  }

  private boolean accepts() {
    try (SocketChannel channel = SocketChannel.open(address())) {
      return channel.isConnected();
    } catch (IOException e) {
      // Not there yet: the caller asks again until its deadline.
      return false;
    }
  }

  private SocketAddress address() {
    if (uri.endpoint() instanceof NbdUri.Endpoint.Unix unix) {
      return UnixDomainSocketAddress.of(unix.socket());
    }
    NbdUri.Endpoint.Tcp tcp = (NbdUri.Endpoint.Tcp) uri.endpoint();
    return new InetSocketAddress(tcp.host(), tcp.port());
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
