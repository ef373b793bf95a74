package io.nbdvault.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection's way to the workers and back. Replies that are done at about the same time come
 * back together and are flushed once. Closes the export when the connection has gone and no worker
 * has anything to do with it any more. Everything but what says so runs on the event loop.
 */
final class Work {
  private static final Logger LOG = LoggerFactory.getLogger(Work.class);

  /** Gets replies on the event loop. */
  interface Replies {
    /** Takes ownership of the buffers. */
    void reply(List<ByteBuf> buffers, int bytes);
  }

  private record Done(List<ByteBuf> buffers, int bytes) {}

  private final Channel channel;
  private final Executor workers;
  private final Export export;
  private final List<String> contexts;
  private final Replies replies;
  private final Queue<Done> done = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean isDeliveryScheduled = new AtomicBoolean();
  private volatile boolean isClosed;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicBoolean isExportClosed = new AtomicBoolean();

  Work(Channel channel, Executor workers, Haggling.Entered entered, Replies replies) {
    this.channel = channel;
    this.workers = workers;
    this.export = entered.export();
    this.contexts = entered.contexts();
    this.replies = replies;
  }

  /**
   * Has a worker serve a request.
   *
   * @param bytes what it counts, for {@link Replies}
   */
  void submit(ServedRequest request, int bytes) {
    running.incrementAndGet();
    workers.execute(() -> serve(request, bytes));
  }

  /** On a worker. */
  private void serve(ServedRequest request, int bytes) {
    List<ByteBuf> buffers;
    if (isClosed) {
      request.dropPayload();
      buffers = List.of();
    } else {
      buffers = request.serve(export, channel.alloc(), contexts);
    }
    if (isClosed) {
      // Nobody gets them, and the loop may end before it could drop them.
      buffers.forEach(ByteBuf::release);
      buffers = List.of();
    }
    done.add(new Done(buffers, bytes));
    if (running.decrementAndGet() == 0 && isClosed) {
      closeExport();
    }
    if (isDeliveryScheduled.compareAndSet(false, true)) {
      try {
        channel.eventLoop().execute(this::deliver);
      } catch (RejectedExecutionException e) {
        // The server was closed, its deadline is over, and nobody counts any more.
        LOG.warn("event=reply_too_late channel={}", channel.id());
        drop();
      }
    }
  }

  private void drop() {
    for (Done next = done.poll(); next != null; next = done.poll()) {
      next.buffers().forEach(ByteBuf::release);
    }
  }

  private void deliver() {
    isDeliveryScheduled.set(false);
    boolean isAny = false;
    for (Done next = done.poll(); next != null; next = done.poll()) {
      replies.reply(next.buffers(), next.bytes());
      isAny = true;
    }
    if (isAny) {
      channel.flush();
    }
  }

  /** The connection has gone. */
  void close() {
    isClosed = true;
    if (running.get() == 0) {
      workers.execute(this::closeExport);
    }
  }

  /** On a worker: the last that served a request here, or one of its own. */
  private void closeExport() {
    if (isExportClosed.compareAndSet(false, true)) {
      export.close();
    }
  }
}
