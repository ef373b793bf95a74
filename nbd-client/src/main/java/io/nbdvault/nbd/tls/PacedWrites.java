package io.nbdvault.nbd.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Hands plain bytes to TLS in pieces, and only while the socket takes what TLS makes of them.
 *
 * <p>TLS encrypts what it is given at once, into buffers of its own: a payload of 32 MiB would
 * stand in memory twice until the server has read it. The queue here holds what the handlers behind
 * have written and is bounded as they are. Nothing is reordered.
 */
final class PacedWrites extends ChannelDuplexHandler {
  /** Plain bytes given to TLS at once. */
  static final int PIECE_BYTES = 128 * 1024;

  private record Write(ByteBuf bytes, ChannelPromise promise) {}

  private final Queue<Write> queue = new ArrayDeque<>();
  private boolean flushing;
  private boolean flushWanted;

  @Override
  public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
    ByteBuf bytes = (ByteBuf) msg;
    if (queue.isEmpty() && bytes.readableBytes() <= PIECE_BYTES && ctx.channel().isWritable()) {
      var unused = ctx.write(bytes, promise);
      return;
    }
    queue.add(new Write(bytes, promise));
  }

  @Override
  public void flush(ChannelHandlerContext ctx) {
    flushWanted = true;
    drain(ctx);
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable() && flushWanted) {
      drain(ctx);
    }
    ctx.fireChannelWritabilityChanged();
  }

  private void drain(ChannelHandlerContext ctx) {
    if (flushing) {
      // A flush further down reports that the channel is writable: the loop below goes on.
      return;
    }
    flushing = true;
    try {
      do {
        writeOne(ctx);
        ctx.flush();
        // The flush may have made room without having had anything of the queue.
      } while (!queue.isEmpty() && ctx.channel().isWritable());
    } finally {
      flushing = false;
    }
    flushWanted = !queue.isEmpty();
  }

  private void writeOne(ChannelHandlerContext ctx) {
    Write head = queue.peek();
    if (head == null || !ctx.channel().isWritable()) {
      return;
    }
    if (head.bytes.readableBytes() > PIECE_BYTES) {
      // A piece that fails closes the channel, and with it the rest of its write.
      var unused = ctx.write(head.bytes.readRetainedSlice(PIECE_BYTES));
    } else {
      queue.remove();
      var unused = ctx.write(head.bytes, head.promise);
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    discard();
    var unused = ctx.close(promise);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    discard();
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    discard();
  }

  private void discard() {
    Write write;
    while ((write = queue.poll()) != null) {
      write.bytes.release();
      write.promise.tryFailure(new ClosedChannelException());
    }
  }
}
