package io.nbdvault.nbd.server;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NBD server: listens, and serves what its provider has until it is closed.
 *
 * <p>The threads nbd-serve-io-1 and -2 do protocol and nothing else; nbd-serve-1 and so on call
 * exports and the provider. All are daemons. How much there is between them is bounded: each
 * connection has at most {@link ServerLimits#requestsMax} requests with the workers, or one option.
 */
public final class NbdServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
  private static final long STOP_SECONDS_MAX = 1;

  private final ServerOptions options;
  private final EventLoopGroup loops;
  private final ThreadPoolExecutor workers;
  private final Connections connections;
  private final TotalBytes totalBytes;
  private final List<Channel> listening = new ArrayList<>();
  private boolean isClosed;

  private NbdServer(ServerOptions options) {
    this.options = options;
    this.loops =
        new MultiThreadIoEventLoopGroup(
            FixedLimits.EVENT_LOOPS, threads("nbd-serve-io-"), EpollIoHandler.newFactory());
    int count = options.limits().workers();
    this.workers =
        new ThreadPoolExecutor(
            count,
            count,
            FixedLimits.WORKER_IDLE_SECONDS_MAX,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            threads("nbd-serve-"));
    workers.allowCoreThreadTimeOut(true);
    this.totalBytes = new TotalBytes(options.limits().totalBytesMax());
    this.connections = new Connections(new Serving(options, workers, totalBytes));
  }

  /**
   * Listens on every address of the options. Once this returns, clients can connect.
   *
   * @throws IOException if an address cannot be had, for example because a server listens there
   *     already; then nothing listens
   */
  public static NbdServer start(ServerOptions options) throws IOException {
    if (options.addresses().isEmpty()) {
      throw new IllegalArgumentException("addresses: none (expected: at least one)");
    }
    if (!Epoll.isAvailable()) {
      throw new IOException(
          "this platform has no epoll, which the NBD server needs", Epoll.unavailabilityCause());
    }
    NbdServer server = new NbdServer(options);
    boolean isListening = false;
    try {
      server.listen();
      isListening = true;
      return server;
    } finally {
      if (!isListening) {
        server.close();
      }
    }
  }

  private void listen() throws IOException {
    Listeners listeners = new Listeners(loops, connections);
    try {
      for (ListenAddress address : options.addresses()) {
        listening.add(listeners.open(address));
        LOG.debug("event=listening address={}", address);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while beginning to listen", e);
    }
  }

  /** The TCP addresses it listens on, with the ports that the kernel chose. */
  public List<InetSocketAddress> tcpAddresses() {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (Channel channel : listening) {
      if (channel.localAddress() instanceof InetSocketAddress address) {
        addresses.add(address);
      }
    }
    return addresses;
  }

  /** How many clients are connected now. */
  public int connectionCount() {
    return connections.count();
  }

  /** What the requests in flight of all connections count now. */
  long bytesInFlight() {
    return totalBytes.takenBytes();
  }

  /**
   * Listens no more, lets the requests in flight end and answers new ones with {@code ESHUTDOWN};
   * cuts what is not over after {@link ServerOptions#closeTimeout}. Exports are closed when it
   * returns, unless one has not returned from a call by then.
   */
  @Override
  public synchronized void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    boolean isInterrupted = false;
    try {
      for (Channel channel : listening) {
        channel.close().await(options.closeTimeout().toMillis());
      }
      connections.close(options.closeTimeout());
    } catch (InterruptedException e) {
      isInterrupted = true;
    }
    // The loops first: they give the last work to the workers.
    loops
        .shutdownGracefully(0, STOP_SECONDS_MAX, TimeUnit.SECONDS)
        .awaitUninterruptibly(2 * STOP_SECONDS_MAX, TimeUnit.SECONDS);
    workers.shutdown();
    try {
      if (!workers.awaitTermination(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
        LOG.warn("event=close_incomplete reason=\"an export does not return from a call\"");
      }
    } catch (InterruptedException e) {
      isInterrupted = true;
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static ThreadFactory threads(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new FastThreadLocalThread(task, name + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
