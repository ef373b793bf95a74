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

  /**
   * What is sent, and what is to be expected then.
   *
   * @param message appends to a buffer; on the asking thread
   * @param expectation prepares the decoder; on the event loop
   */
  record Question(Consumer<ByteBuf> message, Consumer<HandshakeDecoder> expectation) {
    /** One that is answered by option replies. */
    static Question option(int option, Consumer<ByteBuf> message) {
      return new Question(message, decoder -> decoder.expectOption(option));
    }
  }

  /**
   * Asks one question; another must not be out. May be called on any thread.
   *
   * @param name the option's, for messages
   * @return completes on the event loop with all replies, the last being the one that ends them;
   *     exceptionally with an {@link NbdException}, or with {@link IllegalStateException} if
   *     another question is out
   * @throws IllegalArgumentException if the question cannot be put into the protocol's words
   */
  CompletableFuture<List<HandshakeMessage>> exchange(String name, Question question) {
    CompletableFuture<List<HandshakeMessage>> answer = new CompletableFuture<>();
    ByteBuf out = encode(question.message());
    context().executor().execute(() -> ask(name, out, question.expectation(), answer));
    return answer;
  }

  /** On any thread; gives ownership of the buffer. */
  private ByteBuf encode(Consumer<ByteBuf> message) {
    ByteBuf out = context().alloc().ioBuffer();
    boolean encoded = false;
    try {
      message.accept(out);
      encoded = true;
      return out;
    } finally {
      if (!encoded) {
        out.release();
      }
    }
  }

  /** Takes ownership of {@code out}. */
  private void ask(
      String name,
      ByteBuf out,
      Consumer<HandshakeDecoder> expectation,
      CompletableFuture<List<HandshakeMessage>> answer) {
    if (failure != null) {
      out.release();
      answer.completeExceptionally(failure);
      return;
    }
    if (exchange != null || over) {
      out.release();
      answer.completeExceptionally(
          new IllegalStateException(name + " while " + phase + " is under way"));
      return;
    }
    phase = name;
    exchange = answer;
    replies.clear();
    expectation.accept(decoder);
    context().writeAndFlush(out).addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  /** Sends something that is not answered, such as the client's flags. On any thread. */
  void tell(Consumer<ByteBuf> message) {
    context()
        .writeAndFlush(encode(message))
        .addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
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
