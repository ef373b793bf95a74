package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Puts a {@link Negotiation} on a channel and a deadline on the negotiation. */
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
  private final Negotiation negotiation;
  private final boolean stay;
  private final Duration timeout;
  private final CompletableFuture<Negotiated> result = new CompletableFuture<>();
  private @Nullable ScheduledFuture<?> deadline;

  /**
   * Waits for the channel to become active.
   *
   * @param stay whether the connection is of use after the handshake
   */
  HandshakeHandler(Negotiation negotiation, boolean stay, Duration timeout) {
    this.negotiation = negotiation;
    this.stay = stay;
    this.timeout = timeout;
  }

  /** Completes on the event loop, exceptionally with an {@link NbdException}. */
  CompletableFuture<Negotiated> result() {
    return result;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    deadline =
        ctx.executor()
            .schedule(
                () ->
                    fail(
                        ctx,
                        new NbdDisconnectedException(
                            "handshake not over after "
                                + timeout
                                + ", in state "
                                + negotiation.phase())),
                timeout.toNanos(),
                TimeUnit.NANOSECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf in = (ByteBuf) msg;
    ByteBuf out = ctx.alloc().ioBuffer();
    try {
      if (result.isDone()) {
        // After a failure the rest does not matter; after success nothing was asked for yet.
        fail(ctx, new NbdProtocolException("the server sent bytes nobody asked for"));
        return;
      }
      boolean over = negotiation.accept(in, out);
      if (over && in.isReadable()) {
        throw new NbdProtocolException(
            in.readableBytes() + " bytes after the handshake that nobody asked for");
      }
      if (out.isReadable()) {
        ctx.writeAndFlush(out.retain())
            .addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
      }
      if (over) {
        succeed(ctx);
      }
    } catch (NbdException e) {
      fail(ctx, e);
    } finally {
      in.release();
      out.release();
    }
  }

  private void succeed(ChannelHandlerContext ctx) {
    cancelDeadline();
    if (!stay) {
      // An empty write, so that the close comes after ABORT has gone out.
      ctx.writeAndFlush(ctx.alloc().ioBuffer(0, 0)).addListener(ChannelFutureListener.CLOSE);
    }
    result.complete(negotiation.result());
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    fail(
        ctx,
        new NbdDisconnectedException(
            "the server closed the connection during the handshake, in state "
                + negotiation.phase()));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(
        ctx,
        new NbdDisconnectedException(
            "handshake failed in state " + negotiation.phase() + ": " + cause.getMessage(), cause));
  }

  private void fail(ChannelHandlerContext ctx, NbdException reason) {
    cancelDeadline();
    result.completeExceptionally(reason);
    ctx.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  private void cancelDeadline() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
  }
}
