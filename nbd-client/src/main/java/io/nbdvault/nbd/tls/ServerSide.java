package io.nbdvault.nbd.tls;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;

/**
 * Stands behind a server's TLS: completes the future of the handshake, and turns close_notify into
 * a closed channel.
 */
final class ServerSide extends ChannelInboundHandlerAdapter {
  private final CompletableFuture<Void> secured = new CompletableFuture<>();

  CompletableFuture<Void> secured() {
    return secured;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake) {
      if (handshake.isSuccess()) {
        secured.complete(null);
      } else {
        secured.completeExceptionally(handshake.cause());
      }
    } else if (event instanceof SslCloseCompletionEvent) {
      ctx.channel().close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
    } else {
      ctx.fireUserEventTriggered(event);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    secured.completeExceptionally(new ClosedChannelException());
    ctx.fireChannelInactive();
  }
}
