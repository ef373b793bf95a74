package io.nbdvault.nbd.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.Path;

/** Opens listening sockets. Blocks; never called on an event loop. */
final class Listeners {
  private final EventLoopGroup loops;
  private final Connections connections;

  Listeners(EventLoopGroup loops, Connections connections) {
    this.loops = loops;
    this.connections = connections;
  }

  /** Listens. */
  Channel open(ListenAddress address) throws IOException, InterruptedException {
    if (address instanceof ListenAddress.Unix unix) {
      Path socket = unix.socket().toAbsolutePath();
      UnixSocketFile.makeWay(socket);
      Channel channel =
          await(
              address,
              bootstrap(Listeners::privateSocket).bind(new DomainSocketAddress(socket.toString())));
      UnixSocketFile.makePrivate(socket);
      return channel;
    }
    if (address instanceof ListenAddress.Tcp tcp) {
      return await(
          address,
          bootstrap(EpollServerSocketChannel::new)
              .option(ChannelOption.SO_REUSEADDR, true)
              .bind(tcp.address()));
    }
    return activated(address);
  }

  /** Clients may wait there already, and must not be accepted before there is who takes them. */
  private Channel activated(ListenAddress address) throws IOException, InterruptedException {
    SocketActivation.check(System.getenv(), ProcessHandle.current().pid());
    boolean isUnix = SocketActivation.isUnixSocket();
    ServerBootstrap bootstrap =
        bootstrap(
                () ->
                    isUnix
                        ? new EpollServerDomainSocketChannel(SocketActivation.FD)
                        : new EpollServerSocketChannel(SocketActivation.FD))
            .option(ChannelOption.AUTO_READ, false);
    Channel channel = await(address, bootstrap.register());
    channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
    return channel;
  }

  /**
   * A socket whose file will be its owner's alone from its first moment on: the file gets the mode
   * of what is bound, less the umask.
   */
  private static EpollServerDomainSocketChannel privateSocket() {
    EpollServerDomainSocketChannel channel = new EpollServerDomainSocketChannel();
    try {
      UnixSocketFile.makePrivate(Path.of("/proc/self/fd/" + channel.fd().intValue()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return channel;
  }

  private interface ChannelSource<C extends ServerChannel>
      extends io.netty.channel.ChannelFactory<C> {}

  private ServerBootstrap bootstrap(ChannelSource<? extends ServerChannel> source) {
    return new ServerBootstrap()
        .group(loops)
        .channelFactory(source)
        .option(ChannelOption.SO_BACKLOG, FixedLimits.BACKLOG)
        .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
        .childOption(
            ChannelOption.RECVBUF_ALLOCATOR,
            new FixedRecvByteBufAllocator(FixedLimits.RECEIVE_BUFFER_BYTES)
                .maxMessagesPerRead(FixedLimits.RECEIVES_PER_TURN_MAX))
        .childHandler(connections);
  }

  private static Channel await(ListenAddress address, ChannelFuture opened)
      throws IOException, InterruptedException {
    opened.await();
    if (!opened.isSuccess()) {
      BindException failure =
          new BindException("cannot listen on " + address + ": " + opened.cause().getMessage());
      failure.initCause(opened.cause());
      throw failure;
    }
    return opened.channel();
  }
}
