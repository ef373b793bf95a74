package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.HandshakeDecoder;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The handshake's end of a channel: sends one option at a time and collects its replies. Whatever
 * comes while no option is out was not asked for and ends the connection; so does the deadline.
 * Everything but the methods that say so runs on the channel's event loop.
 */
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
  private final Duration timeout;
  private final HandshakeDecoder decoder = new HandshakeDecoder();
  private final List<HandshakeMessage> replies = new ArrayList<>();
  private String phase = "GREETING";
  private @Nullable CompletableFuture<List<HandshakeMessage>> exchange;
  private volatile @Nullable ChannelHandlerContext context;
  private @Nullable ScheduledFuture<?> deadline;
  private @Nullable NbdException failure;
  private boolean over;
  private long bytesTaken;

  /**
   * The first exchange is the greeting, which the server begins.
   *
   * @param greeting completes on the event loop, exceptionally with an {@link NbdException}
   * @param timeout from connecting to {@link #finish}
   */
  HandshakeHandler(CompletableFuture<List<HandshakeMessage>> greeting, Duration timeout) {
    this.exchange = greeting;
    this.timeout = timeout;
  }

  /** What is sent, and what it prepares the decoder for. */
  interface Question {
    /** Appends to {@code out} and tells the decoder what to expect. */
    void ask(HandshakeDecoder decoder, ByteBuf out);
  }

  /**
   * Asks one question; another must not be out. May be called on any thread.
   *
   * @param name the option's, for messages
   * @return completes on the event loop with all replies, the last being the one that ends them;
   *     exceptionally with an {@link NbdException}
   */
  CompletableFuture<List<HandshakeMessage>> exchange(String name, Question question) {
    CompletableFuture<List<HandshakeMessage>> answer = new CompletableFuture<>();
    ChannelHandlerContext ctx = context();
    ctx.executor().execute(() -> ask(ctx, name, question, answer));
    return answer;
  }

  private void ask(
      ChannelHandlerContext ctx,
      String name,
      Question question,
      CompletableFuture<List<HandshakeMessage>> answer) {
    if (failure != null) {
      answer.completeExceptionally(failure);
      return;
    }
    if (exchange != null || over) {
      throw new IllegalStateException(name + " while " + phase + " is under way");
    }
    phase = name;
    exchange = answer;
    replies.clear();
    ByteBuf out = ctx.alloc().ioBuffer();
    question.ask(decoder, out);
    ctx.writeAndFlush(out).addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  /** Sends something that is not answered, such as the client's flags. On any thread. */
  void tell(Consumer<ByteBuf> message) {
    ChannelHandlerContext ctx = context();
    ByteBuf out = ctx.alloc().ioBuffer();
    message.accept(out);
    ctx.writeAndFlush(out).addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  /** Why the handshake failed, or null; the deadline's words rather than those of what it cut. */
  @Nullable NbdException failure() {
    return failure;
  }

  private ChannelHandlerContext context() {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      throw new IllegalStateException("the handshake's handler is on no channel");
    }
    return ctx;
  }

  /** Ends the deadline: what follows has deadlines of its own. */
  void finish() {
    over = true;
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    deadline =
        ctx.executor()
            .schedule(
                () ->
                    fail(
                        new NbdDisconnectedException(
                            "handshake not over after " + timeout + ", in state " + phase)),
                timeout.toNanos(),
                TimeUnit.NANOSECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf in = (ByteBuf) msg;
    try {
      // After a failure the rest does not matter.
      if (failure == null) {
        accept(in);
      }
    } catch (NbdException e) {
      fail(e);
    } finally {
      in.release();
    }
  }

  private void accept(ByteBuf in) throws NbdProtocolException {
    bytesTaken += in.readableBytes();
    if (bytesTaken > ClientLimits.HANDSHAKE_BYTES_MAX) {
      throw new NbdProtocolException(
          "handshake: more than " + ClientLimits.HANDSHAKE_BYTES_MAX + " bytes");
    }
    CompletableFuture<List<HandshakeMessage>> asked = exchange;
    while (asked != null) {
      HandshakeMessage message = decoder.decode(in);
      if (message == null) {
        return;
      }
      if (replies.size() >= ClientLimits.OPTION_REPLIES_MAX) {
        throw new NbdProtocolException(
            phase + ": more than " + ClientLimits.OPTION_REPLIES_MAX + " replies");
      }
      replies.add(message);
      if (message.endsExchange()) {
        break;
      }
    }
    if (in.isReadable()) {
      throw new NbdProtocolException(
          "%d bytes after %s that nobody asked for".formatted(in.readableBytes(), phase));
    }
    if (asked != null) {
      exchange = null;
      asked.complete(List.copyOf(replies));
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    fail(
        new NbdDisconnectedException(
            "the server closed the connection during the handshake, in state " + phase));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(
        cause instanceof NbdException known
            ? known
            : new NbdDisconnectedException(
                "%s during the handshake, in state %s"
                    .formatted(ConnectionFailure.lost(cause), phase),
                cause));
  }

  private void fail(NbdException reason) {
    if (failure != null) {
      return;
    }
    failure = reason;
    finish();
    CompletableFuture<List<HandshakeMessage>> asked = exchange;
    exchange = null;
    if (asked != null) {
      asked.completeExceptionally(reason);
    }
    context().close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }
}
