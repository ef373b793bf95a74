package io.nbdvault.qmp;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Connects to a Unix domain socket, and says in one sentence why it could not. */
final class DomainSocketConnector {
  /** Longest path in sockaddr_un, without the closing NUL (unix(7)). */
  private static final int PATH_BYTES_MAX = 107;

  private static final int FILE_TYPE_MASK = 0170000;
  private static final int FILE_TYPE_SOCKET = 0140000;

  private final Path path;
  private final EventLoopGroup group;

  DomainSocketConnector(Path path) throws QmpConnectException {
    checkPath(path);
    this.path = path;
    this.group =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("qmp-io", true), EpollIoHandler.newFactory());
  }

  EventLoopGroup group() {
    return group;
  }

  void stop() {
    var unused = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  EpollDomainSocketChannel connect(Duration timeout) throws QmpConnectException {
    ChannelFuture connecting =
        new Bootstrap()
            .group(group)
            .channel(EpollDomainSocketChannel.class)
            .handler(new JsonSocket.Quiet())
            .connect(new DomainSocketAddress(path.toString()));
    boolean done = connecting.awaitUninterruptibly(timeout.toMillis());
    if (done && connecting.isSuccess()) {
      return (EpollDomainSocketChannel) connecting.channel();
    }
    var unused = connecting.channel().close();
    stop();
    throw failure(connecting.cause(), timeout);
  }

  private static void checkPath(Path path) throws QmpConnectException {
    int pathBytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (pathBytes > PATH_BYTES_MAX) {
      throw new QmpConnectException(
          path + ": a socket's path has at most " + PATH_BYTES_MAX + " bytes, not " + pathBytes);
    }
    int mode;
    try {
      mode = Files.getAttribute(path, "unix:mode") instanceof Integer known ? known : 0;
    } catch (NoSuchFileException e) {
      throw new QmpConnectException(path + ": no such socket", e);
    } catch (IOException e) {
      throw new QmpConnectException(path + ": cannot be looked at: " + e, e);
    }
    if ((mode & FILE_TYPE_MASK) != FILE_TYPE_SOCKET) {
      throw new QmpConnectException(path + ": not a socket");
    }
  }

  /** Netty puts the error number's name only into the message. */
  private QmpConnectException failure(@Nullable Throwable cause, Duration timeout) {
    String text = cause == null ? "" : String.valueOf(cause.getMessage());
    String why;
    if (cause == null) {
      why = "no connection within " + timeout.toMillis() + " ms";
    } else if (text.contains("Connection refused")) {
      why = "connection refused: nobody listens there (has QEMU ended?)";
    } else if (text.contains("Permission denied")) {
      why = "permission denied: only the user QEMU runs as, or root, may connect";
    } else if (text.contains("Resource temporarily unavailable")) {
      why = "others are already waiting to be served (QEMU serves one client per monitor)";
    } else if (text.contains("No such file")) {
      why = "no such socket";
    } else if (text.contains("Protocol wrong type")) {
      why = "not a stream socket";
    } else {
      why = text;
    }
    return new QmpConnectException(path + ": " + why, cause);
  }
}
