package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdUri;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/** Opens channels. Blocks; never called on an event loop. */
final class Connector {
  private final NbdUri uri;
  private final NbdClientOptions options;
  private final EventLoopGroup loops;

  Connector(NbdUri uri, NbdClientOptions options, EventLoopGroup loops) {
    this.uri = uri;
    this.options = options;
    this.loops = loops;
  }

  /** Connects to the first address that answers, with {@code handler} alone in the pipeline. */
  Channel connect(ChannelHandler handler) throws NbdConnectException {
    NbdConnectException last = null;
    for (SocketAddress address : addresses()) {
      try {
        return connect(address, handler);
      } catch (NbdConnectException e) {
        if (last != null) {
          e.addSuppressed(last);
        }
        last = e;
      }
    }
    throw last == null ? new NbdConnectException(uri + ": the host has no address") : last;
  }

  private List<SocketAddress> addresses() throws NbdConnectException {
    if (uri.endpoint() instanceof NbdUri.Endpoint.Unix unix) {
      return List.of(new DomainSocketAddress(unix.socket().toFile()));
    }
    NbdUri.Endpoint.Tcp tcp = (NbdUri.Endpoint.Tcp) uri.endpoint();
    try {
      // Here and not in Netty, which would look names up on the event loop.
      List<SocketAddress> addresses = new ArrayList<>();
      for (InetAddress address : InetAddress.getAllByName(tcp.host())) {
        addresses.add(new InetSocketAddress(address, tcp.port()));
      }
      return addresses;
    } catch (UnknownHostException e) {
      throw new NbdConnectException(uri + ": unknown host " + tcp.host(), e);
    }
  }

  private Channel connect(SocketAddress address, ChannelHandler handler)
      throws NbdConnectException {
    ChannelFuture future = bootstrap(address, handler).connect(address);
    try {
      future.await();
    } catch (InterruptedException e) {
      future.cancel(true);
      abandon(future.channel());
      throw interrupted(e);
    }
    if (!future.isSuccess()) {
      Throwable cause = future.cause();
      throw new NbdConnectException(
          uri
              + ": cannot connect to "
              + uri.endpoint()
              + ": "
              + ConnectionFailure.connecting(cause),
          cause);
    }
    return future.channel();
  }

  private Bootstrap bootstrap(SocketAddress address, ChannelHandler handler) {
    Bootstrap bootstrap =
        new Bootstrap()
            .group(loops)
            .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .option(ChannelOption.RECVBUF_ALLOCATOR, new ReceiveAllocator())
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) options.connectTimeout().toMillis())
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(handler);
                  }
                });
    if (address instanceof DomainSocketAddress) {
      return bootstrap.channel(EpollDomainSocketChannel.class);
    }
    return bootstrap
        .channel(EpollSocketChannel.class)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.SO_KEEPALIVE, true);
  }

  /** Closes a channel that nobody uses; does not wait. */
  static void abandon(Channel channel) {
    channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  private NbdConnectException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return new NbdConnectException(uri + ": interrupted while connecting", cause);
  }
}
