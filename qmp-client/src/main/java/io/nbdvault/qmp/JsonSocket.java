package io.nbdvault.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * JSON objects to and from a process that listens on a Unix domain socket: what QMP and the guest
 * agent have in common. Sessions are built on it; it knows neither commands nor replies.
 *
 * <p>One event-loop thread belongs to each socket and ends with it. The receiver is called on that
 * thread only, and {@link Receiver#onEnd} is its last call, exactly once.
 */
public final class JsonSocket implements AutoCloseable {
  static final byte SENTINEL = (byte) 0xFF;
  private static final long CLOSE_WAIT_MILLIS_MAX = 2_000;

  /** How objects are told apart from what is between them. */
  public enum Framing {
    /** Only white space stands between objects. */
    QMP,
    /** Garbage is dropped, and 0xFF marks the object after it. */
    GUEST_AGENT
  }

  /** Takes what arrives, on the socket's event loop; must not block. */
  public interface Receiver {
    /** Takes one object; {@code afterSentinel} says that 0xFF came directly before it. */
    void onObject(JsonNode object, boolean afterSentinel);

    /** Says that nothing will arrive any more, and why. */
    void onEnd(QmpException reason);
  }

  private final Path path;
  private final EventLoopGroup group;
  private final EpollDomainSocketChannel channel;
  private final PeerCredentials peer;

  /** Why the socket was closed by this side; written and read on the event loop. */
  private @Nullable QmpException endReason;

  private JsonSocket(
      Path path, EventLoopGroup group, EpollDomainSocketChannel channel, PeerCredentials peer) {
    this.path = path;
    this.group = group;
    this.channel = channel;
    this.peer = peer;
  }

  /**
   * Connects; nothing is read before {@link #start}.
   *
   * @param timeout until the connection is made
   * @throws QmpConnectException where nobody can be reached at that path, in one clear sentence
   */
  public static JsonSocket connect(Path path, Duration timeout) throws QmpConnectException {
    refuseEventLoop();
    DomainSocketConnector connector = new DomainSocketConnector(path);
    EpollDomainSocketChannel channel = connector.connect(timeout);
    try {
      return new JsonSocket(path, connector.group(), channel, credentials(channel));
    } catch (IOException e) {
      var unused = channel.close();
      connector.stop();
      throw new QmpConnectException(path + ": the peer's credentials cannot be read", e);
    }
  }

  private static PeerCredentials credentials(EpollDomainSocketChannel channel) throws IOException {
    var credentials = channel.peerCredentials();
    int[] gids = credentials.gids();
    return new PeerCredentials(
        credentials.pid(),
        Integer.toUnsignedLong(credentials.uid()),
        gids.length == 0 ? 0 : Integer.toUnsignedLong(gids[0]));
  }

  /**
   * Begins to read. To be called once.
   *
   * @param objectBytesMax longest object accepted; a longer one ends the session
   */
  public void start(Framing framing, int objectBytesMax, Receiver receiver) {
    channel
        .pipeline()
        .addLast(new JsonFrameDecoder(framing, objectBytesMax))
        .addLast(new Inbound(receiver));
    channel.config().setAutoRead(true);
  }

  /** Returns who listens at the other end. */
  public PeerCredentials peer() {
    return peer;
  }

  /** Returns the path that was connected to. */
  public Path path() {
    return path;
  }

  /** Returns whether the connection stands. */
  public boolean isOpen() {
    return channel.isActive();
  }

  /** Writes the bytes, in the order of the calls; a failure ends the session. Does not block. */
  public void send(byte[] bytes) {
    ChannelFuture unused =
        channel
            .writeAndFlush(Unpooled.wrappedBuffer(bytes))
            .addListener(
                done -> {
                  Throwable cause = done.cause();
                  if (cause != null) {
                    fail(socketError(cause));
                  }
                });
  }

  /** Ends the session for the given reason, which the receiver is told. Does not block. */
  public void fail(QmpException reason) {
    execute(
        () -> {
          if (endReason == null) {
            endReason = reason;
          }
          var unused = channel.close();
        });
  }

  /** Runs the task on the event loop; returns false where the session has ended. */
  public boolean execute(Runnable task) {
    try {
      loop().execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  EventLoop loop() {
    return channel.eventLoop();
  }

  /** Closes the connection and waits up to 2 s for its thread to end, except on that thread. */
  @Override
  public void close() {
    fail(
        new QmpDisconnectedException(
            QmpDisconnectedException.Reason.CLOSED_HERE, path + ": the session was closed"));
    // Also where start was never called, so that nobody notices the channel's end.
    var stopping = group.shutdownGracefully(0, CLOSE_WAIT_MILLIS_MAX, TimeUnit.MILLISECONDS);
    if (onEventLoop()) {
      return;
    }
    var unused = stopping.awaitUninterruptibly(CLOSE_WAIT_MILLIS_MAX);
  }

  /**
   * Refuses to go on where blocking would stop an event loop, ours or another of Netty's.
   *
   * @throws IllegalStateException on such a thread
   */
  public static void refuseEventLoop() {
    if (onEventLoop()) {
      throw new IllegalStateException(
          "blocking call on the event loop " + Thread.currentThread().getName());
    }
  }

  /**
   * Waits for an answer that this socket is to bring. Not interruptible, because an answer that
   * nobody waits for is lost; the thread's interrupt flag is kept.
   *
   * @param what begins the message of a deadline, for example {@code "/run/vm.qmp: no answer"}
   * @throws QmpException what the future failed with, or {@link QmpDisconnectedException} with
   *     {@link QmpDisconnectedException.Reason#DEADLINE}, which leaves the socket as it is
   */
  public static <T> T await(CompletableFuture<T> answer, Duration timeout, String what)
      throws QmpException {
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return answer.get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof QmpException known) {
        throw known.here();
      }
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new QmpDisconnectedException(
          QmpDisconnectedException.Reason.DEADLINE,
          what + " within " + timeout.toMillis() + " ms",
          e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // Netty's event loops run on its own kind of thread; asking for that needs no list of loops.
  private static boolean onEventLoop() {
    return Thread.currentThread() instanceof FastThreadLocalThread;
  }

  private QmpException socketError(Throwable cause) {
    return new QmpDisconnectedException(
        QmpDisconnectedException.Reason.SOCKET_ERROR, path + ": " + cause.getMessage(), cause);
  }

  private final class Inbound extends SimpleChannelInboundHandler<JsonFrame> {
    private final Receiver receiver;

    Inbound(Receiver receiver) {
      this.receiver = receiver;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, JsonFrame frame) {
      // What was decoded together with the object that ended the session is not delivered.
      if (endReason == null) {
        receiver.onObject(frame.json(), frame.afterSentinel());
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      Throwable inner =
          cause instanceof DecoderException && cause.getCause() != null ? cause.getCause() : cause;
      fail(inner instanceof QmpException known ? known : socketError(inner));
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      QmpException reason = endReason;
      if (reason == null) {
        reason =
            new QmpDisconnectedException(
                QmpDisconnectedException.Reason.CLOSED_BY_PEER,
                path + ": the peer closed the connection");
        endReason = reason;
      }
      receiver.onEnd(reason);
      var unused = group.shutdownGracefully(0, CLOSE_WAIT_MILLIS_MAX, TimeUnit.MILLISECONDS);
    }
  }

  /** Holds reads back until there is somebody to take them. */
  static final class Quiet extends ChannelInitializer<EpollDomainSocketChannel> {
    @Override
    protected void initChannel(EpollDomainSocketChannel channel) {
      channel.config().setAutoRead(false);
    }
  }
}
