package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdTlsException;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;
import org.bouncycastle.tls.TlsException;

/**
 * Stands behind TLS and keeps its ways from the handlers that follow: completes the future of the
 * handshake, turns close_notify into a closed channel and TLS's exceptions into {@link
 * NbdTlsException}.
 */
final class PlainSide extends ChannelDuplexHandler {
  private final FailureWords words;
  private final CompletableFuture<Void> secured = new CompletableFuture<>();
  private boolean anythingRead;
  private boolean failed;
  private boolean closing;

  PlainSide(FailureWords words) {
    this.words = words;
  }

  CompletableFuture<Void> secured() {
    return secured;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake) {
      if (handshake.isSuccess()) {
        secured.complete(null);
      } else {
        fail(ctx, words.of(handshake.cause()));
      }
    } else if (event instanceof SslCloseCompletionEvent) {
      closedByServer(ctx);
      close(ctx);
    } else {
      ctx.fireUserEventTriggered(event);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    anythingRead = true;
    ctx.fireChannelRead(msg);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    Throwable inner =
        cause instanceof DecoderException && cause.getCause() != null ? cause.getCause() : cause;
    boolean ofTls =
        inner instanceof SSLException
            || inner instanceof TlsException
            || inner instanceof NbdTlsException;
    if (failed && inner instanceof IOException) {
      // What was being written when the channel was closed for the failure told already.
      return;
    }
    if (ofTls) {
      fail(ctx, words.of(inner));
    } else if (inner instanceof IOException && !anythingRead && !closing) {
      fail(ctx, closedEarly());
    } else {
      ctx.fireExceptionCaught(cause);
    }
  }

  /**
   * In TLS 1.3 a client is done before the server has looked at its certificate, and GnuTLS's
   * servers close without an alert if they do not like it.
   */
  private NbdTlsException closedEarly() {
    return words.closed(
        secured.isDone() ? "right after the TLS handshake" : "during the TLS handshake");
  }

  private void fail(ChannelHandlerContext ctx, NbdTlsException failure) {
    if (failed) {
      // One failure reaches this place by several ways; the first is the cause.
      return;
    }
    failed = true;
    // Before closing, which fails what is being written, for a reason that says less.
    if (!secured.completeExceptionally(failure)) {
      ctx.fireExceptionCaught(failure);
    }
    close(ctx);
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    closing = true;
    var unused = ctx.close(promise);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    closedByServer(ctx);
    ctx.fireChannelInactive();
  }

  private void closedByServer(ChannelHandlerContext ctx) {
    if (!secured.isDone() || (!anythingRead && !closing)) {
      fail(ctx, closedEarly());
    }
  }

  private static void close(ChannelHandlerContext ctx) {
    ctx.channel().close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }
}
