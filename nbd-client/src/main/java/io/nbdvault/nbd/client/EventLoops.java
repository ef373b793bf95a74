package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads nbd-io-1 and nbd-io-2, shared by all clients: protocol work and nothing else. */
final class EventLoops {
  private static final long STOP_SECONDS_MAX = 1;

  private static volatile boolean used;

  private EventLoops() {}

  /** The shared group; its threads are daemons and start with the first connection. */
  static EventLoopGroup shared() throws NbdConnectException {
    if (!Epoll.isAvailable()) {
      throw new NbdConnectException(
          "this platform has no epoll, which the NBD client needs", Epoll.unavailabilityCause());
    }
    used = true;
    return Holder.GROUP;
  }

  /** Ends the threads, if there ever were any: see {@link NbdClient#stopThreads}. */
  static void stop() {
    if (!used) {
      return;
    }
    var unused = Holder.GROUP.shutdownGracefully(0, STOP_SECONDS_MAX, TimeUnit.SECONDS);
    try {
      for (Thread thread : Holder.STARTED) {
        thread.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS_MAX));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * What a client's connections are spread over: one loop for all of them, or every loop. Without
   * TLS a loop keeps up with more than one server can send, and one that serves two connections
   * sleeps and wakes half as often as two that serve one each.
   */
  static EventLoopGroup forClient(boolean tls) throws NbdConnectException {
    return tls ? shared() : shared().next();
  }

  /** Whether the calling thread is one of the shared loops, which must never wait. */
  static boolean onEventLoop() {
    if (!Epoll.isAvailable()) {
      return false;
    }
    for (EventExecutor executor : Holder.GROUP) {
      if (executor.inEventLoop()) {
        return true;
      }
    }
    return false;
  }

  private static final class Holder {
    private static final AtomicInteger THREADS = new AtomicInteger();
    static final Queue<Thread> STARTED = new ConcurrentLinkedQueue<>();

    static final EventLoopGroup GROUP =
        new MultiThreadIoEventLoopGroup(
            ClientLimits.EVENT_LOOPS, Holder::newThread, EpollIoHandler.newFactory());

    private static Thread newThread(Runnable task) {
      Thread thread = new FastThreadLocalThread(task, "nbd-io-" + THREADS.incrementAndGet());
      thread.setDaemon(true);
      STARTED.add(thread);
      return thread;
    }
  }
}
