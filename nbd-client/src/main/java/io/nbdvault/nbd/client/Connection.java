package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.ReplyDecoder;
import io.nbdvault.nbd.protocol.RequestEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection in the transmission phase.
 *
 * <p>Everything but {@link #wake}, {@link #freePlaces} and the methods that say so runs on the
 * channel's event loop and needs no lock. Requests are pulled from the pool's queue when a place is
 * free, encoded into one buffer and flushed together. A failure closes the channel first; what is
 * in flight fails when the channel has become inactive, so that by then nothing is read from or
 * written to callers' buffers any more.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  private final Channel channel;
  private final ConnectionPool pool;
  private final HeaderStyle headerStyle;
  private final InFlight inFlight;
  private final ReplyRouter router;
  private final ReplyDecoder decoder;
  private final ReceivePlan receivePlan;
  private final Deadlines deadlines;
  private final int refillPlaces;
  private final AtomicBoolean wakeScheduled = new AtomicBoolean();
  private @Nullable NbdException failure;
  private @Nullable ScheduledFuture<?> deadlineCheck;
  private boolean reading;
  private boolean wakeMissed;
  private boolean ended;
  private boolean draining;
  private boolean disconnected;

  Connection(NbdHandshake.Entered entered, NbdClientOptions options, ConnectionPool pool) {
    this.channel = entered.channel();
    this.pool = pool;
    this.refillPlaces =
        Math.max(options.requestsInFlightMaxPerConnection() / ClientLimits.REFILL_FRACTION, 1);
    this.inFlight = new InFlight(options.requestsInFlightMaxPerConnection());
    HeaderStyle style = entered.export().headerStyle();
    this.headerStyle = style;
    this.router = new ReplyRouter(inFlight, style, entered.contextNames(), this::replyComplete);
    this.decoder = new ReplyDecoder(style, router);
    this.receivePlan = new ReceivePlan(decoder, router, inFlight);
    this.deadlines = new Deadlines(options, inFlight);
  }

  /** Takes the channel over from the handshake. May be called on any thread. */
  void start() {
    channel
        .eventLoop()
        .execute(
            () -> {
              if (channel.pipeline().get(HandshakeHandler.class) == null) {
                ended(); // Closed since, and its pipeline taken down with it.
                return;
              }
              channel.pipeline().remove(HandshakeHandler.class);
              channel.pipeline().addLast(this);
            });
  }

  Executor executor() {
    return channel.eventLoop();
  }

  /** How many requests could be taken now; a moment old. May be called on any thread. */
  int freePlaces() {
    return inFlight.freePlaces();
  }

  /** Makes the connection look for work. May be called on any thread. */
  void wake() {
    // While it reads, it looks for work when it has read what there is.
    if (channel.eventLoop().inEventLoop() && reading) {
      wakeMissed = true;
      return;
    }
    if (wakeScheduled.compareAndSet(false, true)) {
      channel.eventLoop().execute(this::drain);
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    if (!channel.isActive()) {
      ended();
      return;
    }
    // Not behind TLS: what is received then is not what is decoded.
    if (ctx.pipeline().first() == this
        && channel.config().getRecvByteBufAllocator() instanceof ReceiveAllocator allocator) {
      allocator.receiveFor(receivePlan);
    }
    long period = deadlines.checkNanos();
    deadlineCheck =
        ctx.executor()
            .scheduleWithFixedDelay(this::checkDeadlines, period, period, TimeUnit.NANOSECONDS);
    drain();
  }

  /** Takes and sends as many requests as there are places. */
  private void drain() {
    wakeScheduled.set(false);
    wakeMissed = false;
    if (failure != null || draining || deadlineCheck == null) {
      return;
    }
    ByteBuf headers = null;
    boolean any = false;
    while (inFlight.freePlaces() > 0) {
      Request request = pool.take();
      if (request == null) {
        break;
      }
      any = true;
      inFlight.add(request);
      headers = send(request, headers);
    }
    if (headers != null) {
      writeOrFail(headers);
    }
    if (any) {
      channel.flush();
    }
    if (inFlight.freePlaces() == 0) {
      pool.offerToOthers();
    }
  }

  /** Appends to {@code headers}, or begins a new one; takes and gives ownership. */
  private @Nullable ByteBuf send(Request request, @Nullable ByteBuf headers) {
    ByteBuf out = headers;
    if (out == null) {
      out =
          channel.alloc().ioBuffer(headerStyle.requestHeaderBytes() * (inFlight.freePlaces() + 1));
    }
    deadlines.sending(request);
    request.replyComplete = false;
    RequestEncoder.encode(
        out,
        headerStyle,
        request.flags(),
        request.command(),
        request.cookie,
        request.offsetBytes(),
        request.lengthBytes());
    ByteBuf payload = request.payload();
    request.payloadFlushed = payload == null;
    if (payload == null) {
      return out;
    }
    writeOrFail(out);
    channel.write(payload).addListener(written -> payloadWritten(request, written));
    return null;
  }

  private void writeOrFail(ByteBuf buffer) {
    channel.write(buffer).addListener(this::failUnlessWritten);
  }

  private void failUnlessWritten(Future<?> written) {
    if (!written.isSuccess()) {
      fail(connectionLost(written.cause()));
    }
  }

  private void payloadWritten(Request request, Future<?> written) {
    failUnlessWritten(written);
    request.payloadFlushed = true;
    deadlines.signOfLife();
    if (written.isSuccess() && request.replyComplete) {
      try {
        complete(request);
      } catch (NbdProtocolException e) {
        fail(e);
      }
      drain();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf in = (ByteBuf) msg;
    reading = true;
    deadlines.signOfLife();
    try {
      boolean more = true;
      while (more && failure == null) {
        more = decoder.decode(in);
      }
    } catch (NbdProtocolException e) {
      fail(e);
    } finally {
      reading = false;
      in.release();
    }
    // Several requests at once cost one system call, and wake the server once.
    if (inFlight.freePlaces() >= refillPlaces) {
      drain();
    }
  }

  /** What was submitted from completions meanwhile goes out now, whatever places are free. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (wakeMissed) {
      drain();
    }
  }

  /** All of a reply is there. */
  private void replyComplete(Request request) throws NbdProtocolException {
    request.replyComplete = true;
    // A server that answers early must not make us give the caller's buffer back while we send it.
    if (request.payloadFlushed) {
      complete(request);
    }
  }

  private void complete(Request request) throws NbdProtocolException {
    NbdException requestFailure = request.finish(router.contextNames());
    inFlight.remove(request);
    if (requestFailure != null && request.retry() && failure == null) {
      inFlight.add(request);
      ByteBuf header = send(request, null);
      if (header != null) {
        writeOrFail(header);
        channel.flush();
      }
      return;
    }
    request.operation().finished(requestFailure);
    if (requestFailure instanceof NbdServerException refusal
        && refusal.errno() == NbdErrno.ESHUTDOWN) {
      pool.serverShutsDown(refusal);
    }
    if (draining && inFlight.isEmpty()) {
      disconnect();
    }
  }

  private void checkDeadlines() {
    NbdException missed = deadlines.missed();
    if (missed != null) {
      fail(missed);
    }
  }

  /** Sends nothing more, and disconnects when the last reply is there. On any thread. */
  void disconnectWhenIdle() {
    channel
        .eventLoop()
        .execute(
            () -> {
              draining = true;
              if (inFlight.isEmpty()) {
                disconnect();
              }
            });
  }

  /** Disconnects now; what is in flight fails. On any thread. */
  void shutDown(NbdException reason) {
    channel
        .eventLoop()
        .execute(
            () -> {
              if (inFlight.isEmpty() && deadlineCheck != null) {
                disconnect();
              } else {
                fail(reason);
              }
            });
  }

  /** Says DISC and gives the server a moment to close ("Terminating the transmission phase"). */
  private void disconnect() {
    if (failure != null) {
      return;
    }
    failure = new NbdDisconnectedException("the connection was closed");
    disconnected = true;
    ByteBuf out = channel.alloc().ioBuffer(headerStyle.requestHeaderBytes());
    RequestEncoder.encode(out, headerStyle, 0, Command.DISC, 0, 0, 0);
    channel
        .writeAndFlush(out)
        .addListener(
            sent -> LOG.debug("event=disc channel={} sent={}", channel.id(), sent.isSuccess()));
    ScheduledFuture<?> forced =
        channel
            .eventLoop()
            .schedule(this::close, ClientLimits.CLOSE_MILLIS_MAX, TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(closed -> forced.cancel(false));
  }

  /** Waits until the channel is closed, at most a little longer than the server is given. */
  void awaitClosed() {
    // Not to be cut short: callers' buffers are free only then.
    if (!channel.closeFuture().awaitUninterruptibly(2 * ClientLimits.CLOSE_MILLIS_MAX)) {
      LOG.warn("event=close_timeout channel={}", channel.id());
    }
  }

  /** Closes the channel; the first reason counts. */
  private void fail(NbdException reason) {
    if (failure == null) {
      failure = reason;
      receivePlan.end();
      LOG.debug("event=connection_failed channel={} reason={}", channel.id(), reason.getMessage());
      close();
    }
  }

  private void close() {
    channel
        .close()
        .addListener(closed -> LOG.debug("event=connection_closed channel={}", channel.id()));
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    ended();
  }

  /** The channel is closed; whoever notices first, and only once. */
  private void ended() {
    if (ended) {
      return;
    }
    ended = true;
    NbdException reason = failure;
    if (reason == null) {
      reason =
          new NbdDisconnectedException(
              decoder.atBoundary()
                  ? "the server closed the connection"
                  : "the server closed the connection in the middle of a reply");
      failure = reason;
    }
    if (deadlineCheck != null) {
      deadlineCheck.cancel(false);
    }
    receivePlan.end();
    List<Request> unanswered = inFlight.removeAll();
    if (!disconnected) {
      pool.connectionEnded(this, reason, unanswered);
    } else {
      for (Request request : unanswered) {
        request.operation().finished(reason);
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(connectionLost(cause));
  }

  private static NbdException connectionLost(Throwable cause) {
    if (cause instanceof NbdException known) {
      return known; // From TLS.
    }
    return new NbdDisconnectedException(ConnectionFailure.lost(cause), cause);
  }
}
