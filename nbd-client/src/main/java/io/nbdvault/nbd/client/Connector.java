package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdUri;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;

/** Opens channels and leads them through the handshake. Blocks; never called on an event loop. */
final class Connector {
  private final NbdUri uri;
  private final NbdClientOptions options;

  /** A channel after its handshake; what it came to. */
  record Handshaken(Channel channel, Negotiated negotiated) {
    /** Closes a channel that nobody took over. */
    void abandon() {
      Connector.abandon(channel);
    }
  }

  Connector(NbdUri uri, NbdClientOptions options) {
    this.uri = uri;
    this.options = options;
  }

  /**
   * Connects and negotiates.
   *
   * @return a channel that is open only if the goal is transmission
   */
  Handshaken open(Negotiation.Goal goal) throws NbdException {
    if (EventLoops.onEventLoop()) {
      throw new IllegalStateException("opening NBD connections blocks; not on an event loop");
    }
    NbdConnectException last = null;
    for (SocketAddress address : addresses()) {
      Negotiation negotiation = new Negotiation(goal, uri.exportName(), options.metaContexts());
      HandshakeHandler handler =
          new HandshakeHandler(
              negotiation, goal == Negotiation.Goal.TRANSMISSION, options.handshakeTimeout());
      try {
        Channel channel = connect(address, handler);
        return new Handshaken(channel, await(channel, handler));
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

  private Channel connect(SocketAddress address, HandshakeHandler handler)
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

  private Bootstrap bootstrap(SocketAddress address, HandshakeHandler handler)
      throws NbdConnectException {
    Bootstrap bootstrap =
        new Bootstrap()
            .group(EventLoops.shared())
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

  private Negotiated await(Channel channel, HandshakeHandler handler) throws NbdException {
    try {
      // Bounded: the handler has a deadline.
      return handler.result().get();
    } catch (InterruptedException e) {
      abandon(channel);
      throw interrupted(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      throw new IllegalStateException("handshake failed unexpectedly", e.getCause());
    }
  }

  private static void abandon(Channel channel) {
    channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
  }

  private NbdConnectException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return new NbdConnectException(uri + ": interrupted while connecting", cause);
  }
}
