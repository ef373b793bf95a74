package io.nbdvault.nbd.testkit;

import io.nbdvault.nbd.NbdUri;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server that sends whatever a test tells it to, byte for byte: servers one can install always
 * frame correctly. Each connection runs the script in a thread of its own.
 */
public final class ScriptedServer implements AutoCloseable {
  private static final AtomicInteger SERVERS = new AtomicInteger();

  /** What a server does with one connection; the connection is closed when it returns. */
  public interface Script {
    /** Runs to its end, or until the client goes away. */
    void serve(ScriptedPeer peer) throws IOException;
  }

  private final ServerSocketChannel listener;
  private final NbdUri uri;
  private final Script script;
  private final Queue<SocketChannel> accepted = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

  private ScriptedServer(ServerSocketChannel listener, NbdUri uri, Script script) {
    this.listener = listener;
    this.uri = uri;
    this.script = script;
  }

  /** Listens on a new socket in {@code dir}. */
  public static ScriptedServer start(Path dir, Script script) throws IOException {
    Path socket = dir.resolve("scripted-" + SERVERS.incrementAndGet() + ".sock");
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    ScriptedServer server = new ScriptedServer(listener, NbdUri.unix(socket, "disk"), script);
    daemon("scripted-accept", server::accept);
    return server;
  }

  private static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel channel = listener.accept();
        accepted.add(channel);
        daemon("scripted-serve", () -> serve(channel));
      }
    } catch (ClosedChannelException e) {
      // The test is over.
    } catch (IOException e) {
      failures.add(e);
    }
  }

  private void serve(SocketChannel channel) {
    try (channel) {
      script.serve(new ScriptedPeer(channel));
    } catch (IOException e) {
      // The client went away, which is what most of these scripts are for.
    } catch (RuntimeException | AssertionError e) {
      failures.add(e);
    }
  }

  /** The export "disk" of this server. */
  public NbdUri uri() {
    return uri;
  }

  /** How many connections there have been. */
  public int connections() {
    return accepted.size();
  }

  /** Throws what went wrong in a script, if anything did. */
  @Override
  public void close() throws IOException {
    listener.close();
    for (SocketChannel channel : accepted) {
      channel.close();
    }
    Throwable failure = failures.peek();
    if (failure != null) {
      throw new AssertionError("the server's script failed", failure);
    }
  }
}
