package io.nbdvault.engine.testkit;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Stands between a client and a unix socket, and can cut the connections while both live. */
public final class SocketProxy implements AutoCloseable {
  private final ServerSocketChannel listener;
  private final Path target;
  private final List<SocketChannel> connections = new CopyOnWriteArrayList<>();

  private SocketProxy(ServerSocketChannel listener, Path target) {
    this.listener = listener;
    this.target = target;
  }

  /** Listens on {@code socket} and passes everything on to {@code target}. */
  public static SocketProxy start(Path socket, Path target) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    SocketProxy proxy = new SocketProxy(listener.bind(UnixDomainSocketAddress.of(socket)), target);
    startThread(proxy::accept);
    return proxy;
  }

  private static void startThread(Runnable task) {
    Thread thread = new Thread(task, "socket-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = listener.accept();
        SocketChannel server = SocketChannel.open(UnixDomainSocketAddress.of(target));
        connections.add(client);
        connections.add(server);
        startThread(() -> pass(client, server));
        startThread(() -> pass(server, client));
      }
    } catch (IOException closed) {
      cut();
    }
  }

  private static void pass(SocketChannel from, SocketChannel to) {
    ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
    try (from;
        to) {
      while (from.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
        buffer.clear();
      }
    } catch (IOException cut) {
      // Both sides are closed by now, which is what a cut connection is.
    }
  }

  /** Cuts the connections that there are; new ones are accepted. */
  public void cut() {
    for (SocketChannel connection : connections) {
      try {
        connection.close();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
    connections.clear();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}
