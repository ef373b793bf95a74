package io.nbdvault.nbd.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connections of one server: takes those that are accepted, as many as there may be. */
final class Connections extends ChannelInitializer<Channel> {
  private static final Logger LOG = LoggerFactory.getLogger(Connections.class);

  private final Serving serving;
  private final Set<Channel> open = ConcurrentHashMap.newKeySet();

  Connections(Serving serving) {
    this.serving = serving;
  }

  @Override
  protected void initChannel(Channel channel) {
    // Two loops may let in one too many; the limit is against thousands.
    if (open.size() >= serving.options().limits().connectionsMax()) {
      LOG.warn("event=connection_refused reason=\"too many connections\"");
      channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
      return;
    }
    open.add(channel);
    channel.closeFuture().addListener(closed -> open.remove(channel));
    if (channel instanceof EpollDomainSocketChannel) {
      channel.config().setOption(ChannelOption.SO_SNDBUF, FixedLimits.UNIX_SEND_BUFFER_BYTES);
    } else if (channel instanceof EpollSocketChannel) {
      channel.config().setOption(ChannelOption.TCP_NODELAY, true);
      channel.config().setOption(ChannelOption.SO_KEEPALIVE, true);
    }
    channel.pipeline().addLast(new HandshakeHandler(serving));
  }

  /** How many there are. */
  int count() {
    return open.size();
  }

  /** Ends all: those with requests in flight when these are answered, or the time is over. */
  void close(Duration timeout) throws InterruptedException {
    for (Channel channel : open) {
      channel
          .eventLoop()
          .execute(() -> channel.pipeline().fireUserEventTriggered(ServerClosing.INSTANCE));
    }
    long deadline = System.nanoTime() + timeout.toNanos();
    for (Channel channel : open) {
      var unused = channel.closeFuture().await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    }
    for (Channel channel : open) {
      if (!channel.isOpen()) {
        continue; // And about to be taken out.
      }
      LOG.warn("event=connection_cut channel={} reason=\"the server is closing\"", channel.id());
      channel.close().await(timeout.toMillis());
    }
  }
}
