package io.nbdvault.nbd.tls;

import io.nbdvault.nbd.NbdDisconnectedException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** As much of an NBD client as it takes to get to STARTTLS and beyond; blocks. */
final class SecuredChannel implements AutoCloseable {
  private static final EventLoopGroup LOOPS =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private static final long SECONDS_MAX = 30;
  private static final int UNREAD_MAX = 16;
  private static final Object CLOSED = new Object();

  private final Channel channel;
  private final BlockingQueue<Object> unread = new LinkedBlockingQueue<>();
  private @Nullable ByteBuf current;

  private SecuredChannel(Channel channel) {
    this.channel = channel;
  }

  /** Connects and does nothing else. */
  static SecuredChannel connect(NbdUri uri) throws Exception {
    boolean unix = uri.endpoint() instanceof NbdUri.Endpoint.Unix;
    SocketAddress address =
        uri.endpoint() instanceof NbdUri.Endpoint.Tcp tcp
            ? new InetSocketAddress(tcp.host(), tcp.port())
            : new DomainSocketAddress(((NbdUri.Endpoint.Unix) uri.endpoint()).socket().toFile());
    CompletableFuture<SecuredChannel> made = new CompletableFuture<>();
    ChannelFuture connected =
        new Bootstrap()
            .group(LOOPS)
            .channel(unix ? EpollDomainSocketChannel.class : EpollSocketChannel.class)
            .handler(
                new ChannelInboundHandlerAdapter() {
                  @Override
                  public void handlerAdded(ChannelHandlerContext ctx) {
                    SecuredChannel self = new SecuredChannel(ctx.channel());
                    ctx.pipeline().addLast(self.new Inbox());
                    made.complete(self);
                  }
                })
            .connect(address)
            .await();
    if (!connected.isSuccess()) {
      throw new AssertionError(connected.cause());
    }
    return made.get(SECONDS_MAX, TimeUnit.SECONDS);
  }

  /** Connects, asks for TLS and secures the channel as the URI says. */
  static SecuredChannel open(NbdUri uri) throws Exception {
    SecuredChannel peer = connect(uri);
    try {
      peer.startTls();
      peer.secure(uri);
      return peer;
    } catch (Exception | AssertionError e) {
      peer.close();
      throw e;
    }
  }

  private void startTls() throws Exception {
    read(18).release();
    write(out -> out.writeInt(3));
    write(out -> OptionEncoder.plain(out, NbdProtocol.OPT_STARTTLS));
    ByteBuf reply = read(20);
    int type = reply.getInt(12);
    reply.release();
    if (type != NbdProtocol.REP_ACK) {
      throw new AssertionError("reply to STARTTLS: " + Integer.toHexString(type));
    }
  }

  /** Secures the channel as it is. */
  void secure(NbdUri uri) throws Exception {
    TlsClient client = TlsClient.load(uri.tls().orElseThrow());
    String host = uri.endpoint() instanceof NbdUri.Endpoint.Tcp tcp ? tcp.host() : "";
    CompletableFuture<Void> secured = new CompletableFuture<>();
    channel
        .eventLoop()
        .execute(
            () -> {
              var unused =
                  client
                      .secure(channel, host)
                      .whenComplete(
                          (done, failure) -> {
                            if (failure == null) {
                              secured.complete(null);
                            } else {
                              secured.completeExceptionally(failure);
                            }
                          });
            });
    try {
      secured.get(SECONDS_MAX, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Asks for EXPORT_NAME, the shortest way to an export; returns its size in bytes. */
  long export(String name) throws Exception {
    write(out -> OptionEncoder.exportName(out, name));
    ByteBuf reply = read(10);
    long sizeBytes = reply.getLong(0);
    reply.release();
    return sizeBytes;
  }

  /** Sends a read request whose cookie is its offset. */
  void requestRead(long offset, int lengthBytes) {
    var unused = request(0, offset, lengthBytes, Unpooled.EMPTY_BUFFER);
  }

  /** Sends a write request whose cookie is its offset; takes ownership of the payload. */
  ChannelFuture requestWrite(long offset, ByteBuf payload) {
    return request(1, offset, payload.readableBytes(), payload);
  }

  private ChannelFuture request(int type, long offset, int lengthBytes, ByteBuf payload) {
    write(
        out -> {
          out.writeInt(NbdProtocol.REQUEST_MAGIC);
          out.writeShort(0);
          out.writeShort(type);
          out.writeLong(offset);
          out.writeLong(offset);
          out.writeInt(lengthBytes);
        });
    return channel.writeAndFlush(payload);
  }

  /** Reads the header of a simple reply without an error; returns its cookie. */
  long simpleReply() throws Exception {
    ByteBuf header = read(16);
    try {
      if (header.getInt(0) != NbdProtocol.SIMPLE_REPLY_MAGIC || header.getInt(4) != 0) {
        throw new AssertionError("reply: " + header.getInt(0) + ", error " + header.getInt(4));
      }
      return header.getLong(8);
    } finally {
      header.release();
    }
  }

  void write(Consumer<ByteBuf> bytes) {
    ByteBuf out = channel.alloc().buffer();
    bytes.accept(out);
    var unused = channel.writeAndFlush(out);
  }

  /** Reads exactly so many bytes; the caller releases them. */
  ByteBuf read(int bytes) throws Exception {
    ByteBuf all = Unpooled.buffer(bytes);
    try {
      readSome(bytes, all::writeBytes);
      return all;
    } catch (Exception | AssertionError e) {
      all.release();
      throw e;
    }
  }

  /** Reads exactly so many bytes, piece by piece; the pieces are borrowed. */
  void readSome(int bytes, Consumer<ByteBuf> sink) throws Exception {
    int missing = bytes;
    while (missing > 0) {
      ByteBuf from = current;
      if (from == null) {
        Object next = unread.poll(SECONDS_MAX, TimeUnit.SECONDS);
        // By the loop's thread, which may have counted before this was taken, and not stopped yet.
        channel.eventLoop().execute(this::goOn);
        if (next instanceof Exception failure) {
          throw failure;
        }
        if (next == null || next == CLOSED) {
          throw new NbdDisconnectedException(next == null ? "nothing comes" : "closed");
        }
        from = (ByteBuf) next;
        current = from;
      }
      int piece = Math.min(missing, from.readableBytes());
      sink.accept(from.readSlice(piece));
      missing -= piece;
      if (!from.isReadable()) {
        from.release();
        current = null;
      }
    }
  }

  private void goOn() {
    if (unread.size() < UNREAD_MAX) {
      channel.config().setAutoRead(true);
    }
  }

  Channel channel() {
    return channel;
  }

  @Override
  public void close() {
    channel.close().awaitUninterruptibly();
    channel.eventLoop().submit(() -> {}).awaitUninterruptibly();
    if (current != null) {
      current.release();
    }
    Object next;
    while ((next = unread.poll()) != null) {
      if (next instanceof ByteBuf bytes) {
        bytes.release();
      }
    }
  }

  private final class Inbox extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
      unread.add(msg);
      if (unread.size() >= UNREAD_MAX) {
        ctx.channel().config().setAutoRead(false);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      unread.add(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      unread.add(CLOSED);
    }
  }
}
