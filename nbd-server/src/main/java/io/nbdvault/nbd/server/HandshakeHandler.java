package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.server.protocol.ClientMessage;
import io.nbdvault.nbd.server.protocol.OptionDecoder;
import io.nbdvault.nbd.server.protocol.OptionReplyEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection before the transmission phase: reads an option, has a worker answer it, and reads
 * on once the answer is sent. So at most one answer is in memory, however fast a client asks.
 * Everything but {@link #answer} runs on the channel's event loop.
 */
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

  private final Serving serving;
  private final OptionDecoder decoder = new OptionDecoder();
  private final Haggling haggling;
  private final Backlog backlog = new Backlog();
  private @Nullable ScheduledFuture<?> deadline;
  private boolean isAnswering;
  private boolean isOver;

  HandshakeHandler(Serving serving) {
    this.serving = serving;
    this.haggling = new Haggling(serving.options());
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    int millis = serving.options().limits().handshakeMillisMax();
    deadline =
        ctx.executor()
            .schedule(
                () -> fail(ctx, "handshake not over after " + millis + " ms"),
                millis,
                TimeUnit.MILLISECONDS);
    ByteBuf greeting = ctx.alloc().ioBuffer();
    OptionReplyEncoder.greeting(greeting);
    ctx.writeAndFlush(greeting).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    backlog.add((ByteBuf) msg);
    process(ctx);
  }

  private void process(ChannelHandlerContext ctx) {
    try {
      while (!isAnswering && !isOver && backlog.head() != null) {
        ClientMessage message = decoder.decode(backlog.headOrThrow());
        if (message == null) {
          backlog.dropHead();
          continue;
        }
        isAnswering = true;
        serving.workers().execute(() -> answer(ctx, message));
      }
    } catch (NbdProtocolException e) {
      fail(ctx, e.getMessage());
    }
    ctx.channel().config().setAutoRead(!isAnswering);
  }

  /** On a worker. */
  private void answer(ChannelHandlerContext ctx, ClientMessage message) {
    ByteBuf out = ctx.alloc().ioBuffer();
    Runnable then;
    try {
      Haggling.Next next = haggling.answer(message, out);
      then = () -> answered(ctx, next, out);
    } catch (NbdProtocolException e) {
      then = () -> notAnswered(ctx, out, e.getMessage());
    } catch (RuntimeException e) {
      LOG.error("event=handshake_failed channel={}", ctx.channel().id(), e);
      then = () -> notAnswered(ctx, out, "internal error");
    }
    try {
      ctx.executor().execute(then);
    } catch (RejectedExecutionException e) {
      LOG.debug("event=answer_dropped channel={}", ctx.channel().id(), e);
      out.release();
      haggling.closeEntered();
    }
  }

  private void notAnswered(ChannelHandlerContext ctx, ByteBuf out, @Nullable String reason) {
    out.release();
    isAnswering = false;
    serving.workers().execute(haggling::closeEntered);
    fail(ctx, reason);
  }

  /** Takes ownership of {@code out}. */
  private void answered(ChannelHandlerContext ctx, Haggling.Next next, ByteBuf out) {
    if (isOver) {
      notAnswered(ctx, out, "closed");
      return;
    }
    if (next == Haggling.Next.START_TLS && backlog.hasBytes()) {
      // Somebody in between may have put it there, to be taken for what came through TLS.
      notAnswered(ctx, out, "plain text behind STARTTLS");
      return;
    }
    ctx.writeAndFlush(out)
        .addListener(
            sent -> {
              if (sent.isSuccess()) {
                sent(ctx, next);
              }
            });
    switch (next) {
      case CONTINUE, CLOSE -> {
        // When it is sent.
      }
      case START_TLS -> startTls(ctx);
      case TRANSMIT -> transmit(ctx);
    }
  }

  private void sent(ChannelHandlerContext ctx, Haggling.Next next) {
    switch (next) {
      case CONTINUE -> {
        isAnswering = false;
        process(ctx);
      }
      case CLOSE -> {
        isOver = true;
        close(ctx);
      }
      case START_TLS, TRANSMIT -> {
        // Went on at once: what was to be sent does not wait for the client.
      }
    }
  }

  private void startTls(ChannelHandlerContext ctx) {
    var unused =
        serving
            .options()
            .tls()
            .orElseThrow()
            .secure(ctx.channel())
            .whenComplete(
                (secured, failure) -> {
                  if (failure != null) {
                    fail(ctx, "TLS: " + failure.getMessage());
                  }
                });
    isAnswering = false;
    process(ctx);
  }

  private void transmit(ChannelHandlerContext ctx) {
    isOver = true;
    cancelDeadline();
    TransmissionHandler transmission =
        new TransmissionHandler(ctx.channel(), serving, haggling.entered());
    ctx.pipeline().addLast(transmission);
    ctx.pipeline().remove(this);
    transmission.begin(backlog);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    isOver = true;
    cancelDeadline();
    backlog.drop();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(ctx, cause.toString());
  }

  /** The server is closing: who has entered nothing yet has nothing to lose. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == ServerClosing.INSTANCE) {
      fail(ctx, "the server is closing");
    }
  }

  private void cancelDeadline() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
  }

  private void fail(ChannelHandlerContext ctx, @Nullable String reason) {
    if (!isOver) {
      isOver = true;
      LOG.debug("event=handshake_ended channel={} reason=\"{}\"", ctx.channel().id(), reason);
    }
    close(ctx);
  }

  private static void close(ChannelHandlerContext ctx) {
    ctx.channel().close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }
}
