package io.nbdvault.qmp.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server on a Unix domain socket that says to each client in turn what the test's script tells it
 * to, one client at a time as QEMU does.
 */
public final class ScriptedServer implements AutoCloseable {
  /** What the server does with one client; the connection is closed when it returns. */
  public interface Script {
    void run(Connection client) throws IOException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(ScriptedServer.class);

  private final Path path;
  private final ServerSocketChannel listener;
  private final Thread thread;
  private final List<Connection> connections = new CopyOnWriteArrayList<>();

  private ScriptedServer(Path path, ServerSocketChannel listener, Script script) {
    this.path = path;
    this.listener = listener;
    this.thread = new Thread(() -> serve(script), "scripted-server");
    this.thread.setDaemon(true);
  }

  public static ScriptedServer start(Path path, Script script) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(path));
    ScriptedServer server = new ScriptedServer(path, listener, script);
    server.thread.start();
    return server;
  }

  public Path path() {
    return path;
  }

  private void serve(Script script) {
    while (listener.isOpen()) {
      try (Connection connection = new Connection(listener.accept())) {
        connections.add(connection);
        script.run(connection);
      } catch (IOException e) {
        // The client left, or the test is over.
        LOG.debug("script ended socket={}", path, e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Connection connection : connections) {
      connection.close();
    }
    Files.deleteIfExists(path);
  }

  /** One client. */
  public static final class Connection implements AutoCloseable {
    private final SocketChannel channel;
    private final InputStream in;

    Connection(SocketChannel channel) {
      this.channel = channel;
      this.in = new BufferedInputStream(Channels.newInputStream(channel));
    }

    /** Reads up to and without the next line feed, one char per byte. */
    public String readLine() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int b = in.read(); b != '\n'; b = in.read()) {
        if (b < 0) {
          throw new EOFException("the client left");
        }
        line.write(b);
      }
      return line.toString(StandardCharsets.ISO_8859_1);
    }

    public void send(String text) throws IOException {
      send(text.getBytes(StandardCharsets.UTF_8));
    }

    public void send(byte[] bytes) throws IOException {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        int unused = channel.write(buffer);
      }
    }

    /** Says nothing until the client leaves. */
    public void waitForEnd() throws IOException {
      long unused = in.transferTo(OutputStream.nullOutputStream());
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
