package io.nbdvault.nbd.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsProtocol;
import org.bouncycastle.tls.TlsServerProtocol;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bouncy Castle's TLS on a channel, with the events of Netty's own {@code SslHandler}. Starts the
 * handshake when it is added to an active channel.
 */
final class PskHandler extends ChannelDuplexHandler {
  private static final Logger LOG = LoggerFactory.getLogger(PskHandler.class);
  private static final int COPY_BYTES = 64 * 1024;
  // ContentType (RFC 8446, section 5.1): what a peer may begin with.
  private static final int ALERT = 21;
  private static final int HANDSHAKE = 22;

  private final TlsProtocol protocol;
  private final Beginning beginning;
  // Bouncy Castle takes arrays; one is enough, for it copies what it keeps.
  private final byte[] copy = new byte[COPY_BYTES];
  private boolean begun;
  private boolean secured;
  private boolean over;
  private boolean plainRead;

  /** Makes the protocol's first step. */
  private interface Beginning {
    void begin() throws IOException;
  }

  private PskHandler(TlsProtocol protocol, Beginning beginning) {
    this.protocol = protocol;
    this.beginning = beginning;
  }

  static PskHandler client(PskClient client) {
    TlsClientProtocol protocol = new TlsClientProtocol();
    return new PskHandler(protocol, () -> protocol.connect(client));
  }

  static PskHandler server(PskServer server) {
    TlsServerProtocol protocol = new TlsServerProtocol();
    return new PskHandler(protocol, () -> protocol.accept(server));
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    try {
      beginning.begin();
      sendRecords(ctx);
      ctx.flush();
    } catch (IOException | RuntimeException e) {
      fail(ctx, e);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf in = (ByteBuf) msg;
    try {
      if (!begun && in.isReadable()) {
        begun = true;
        int type = in.getUnsignedByte(in.readerIndex());
        if (type != ALERT && type != HANDSHAKE) {
          throw new NotSslRecordException("record type " + type);
        }
      }
      while (in.isReadable() && !over) {
        int bytes = Math.min(in.readableBytes(), COPY_BYTES);
        in.readBytes(copy, 0, bytes);
        protocol.offerInput(copy, 0, bytes);
        passOn(ctx);
      }
    } catch (IOException | RuntimeException e) {
      fail(ctx, e);
    } finally {
      in.release();
    }
  }

  private void passOn(ChannelHandlerContext ctx) throws IOException {
    sendRecords(ctx);
    if (!secured && protocol.isConnected()) {
      secured = true;
      ctx.flush();
      ctx.fireUserEventTriggered(SslHandshakeCompletionEvent.SUCCESS);
    }
    int bytes = protocol.getAvailableInputBytes();
    if (bytes > 0) {
      ByteBuf plain = ctx.alloc().ioBuffer(bytes);
      int read = protocol.readInput(plain.internalNioBuffer(0, bytes), bytes);
      plain.writerIndex(read);
      plainRead = true;
      ctx.fireChannelRead(plain);
    }
    if (protocol.isClosed() && !over) {
      over = true;
      ctx.flush();
      ctx.fireUserEventTriggered(SslCloseCompletionEvent.SUCCESS);
    }
  }

  /** Writes, and does not flush, what the protocol has for the peer. */
  private void sendRecords(ChannelHandlerContext ctx) {
    int bytes = protocol.getAvailableOutputBytes();
    if (bytes > 0) {
      var unused = ctx.write(takeRecords(ctx, bytes));
    }
  }

  private ByteBuf takeRecords(ChannelHandlerContext ctx, int bytes) {
    ByteBuf records = ctx.alloc().ioBuffer(bytes);
    int read = protocol.readOutput(records.internalNioBuffer(0, bytes), bytes);
    return records.writerIndex(read);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    ctx.flush();
    if (!plainRead && !ctx.channel().config().isAutoRead()) {
      // Whoever asked for data has got none yet.
      ctx.read();
    }
    plainRead = false;
    ctx.fireChannelReadComplete();
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
    ByteBuf plain = (ByteBuf) msg;
    try {
      if (over) {
        promise.setFailure(new ClosedChannelException());
        return;
      }
      if (!secured) {
        throw new IllegalStateException("written before the TLS handshake was over");
      }
      while (plain.isReadable()) {
        int bytes = Math.min(plain.readableBytes(), COPY_BYTES);
        plain.readBytes(copy, 0, bytes);
        protocol.writeApplicationData(copy, 0, bytes);
      }
      var unused = ctx.write(takeRecords(ctx, protocol.getAvailableOutputBytes()), promise);
    } catch (IOException | RuntimeException e) {
      promise.tryFailure(e);
      fail(ctx, e);
    } finally {
      plain.release();
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    if (!over) {
      over = true;
      try {
        protocol.close();
        sendRecords(ctx);
        ctx.flush();
      } catch (IOException | RuntimeException e) {
        LOG.debug("event=close_notify_not_sent reason=\"{}\"", e.toString());
      }
    }
    var unused = ctx.close(promise);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    over = true;
    if (!secured) {
      secured = true;
      ctx.fireUserEventTriggered(new SslHandshakeCompletionEvent(new ClosedChannelException()));
    }
    ctx.fireChannelInactive();
  }

  private void fail(ChannelHandlerContext ctx, Exception failure) {
    over = true;
    // The alert that tells the peer why.
    sendRecords(ctx);
    ctx.flush();
    if (secured) {
      ctx.fireExceptionCaught(failure);
    } else {
      secured = true;
      ctx.fireUserEventTriggered(new SslHandshakeCompletionEvent(failure));
    }
    var unused = ctx.close();
  }
}
