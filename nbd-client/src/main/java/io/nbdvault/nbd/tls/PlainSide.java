package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdTlsException;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
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
        fail(ctx, handshake.cause());
      }
    } else if (event instanceof SslCloseCompletionEvent) {
      // Only the server's end of it comes here with the channel still open.
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
    if (ofTls) {
      fail(ctx, inner);
    } else {
      ctx.fireExceptionCaught(cause);
    }
  }

  private void fail(ChannelHandlerContext ctx, Throwable cause) {
    if (failed) {
      // One failure reaches this place by several ways; the first is the cause.
      return;
    }
    failed = true;
    NbdTlsException failure = words.of(cause);
    close(ctx);
    if (!secured.completeExceptionally(failure)) {
      ctx.fireExceptionCaught(failure);
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    closing = true;
    ctx.close(promise);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    if (!secured.isDone() || (!anythingRead && !failed && !closing)) {
      // In TLS 1.3 a client is done before the server has looked at its certificate, and GnuTLS's
      // servers close without an alert if they do not like it.
      failed = true;
      String when = secured.isDone() ? "right after the TLS handshake" : "during the TLS handshake";
      NbdTlsException failure = words.closed(when);
      if (!secured.completeExceptionally(failure)) {
        ctx.fireExceptionCaught(failure);
      }
    }
    ctx.fireChannelInactive();
  }

  private static void close(ChannelHandlerContext ctx) {
    ctx.channel().close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }
}
