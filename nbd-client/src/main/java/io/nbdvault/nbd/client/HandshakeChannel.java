package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdConnectException;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.tls.TlsClient;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.EventLoopGroup;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * The blocking side of a {@link HandshakeHandler}: one question, one answer. Waits are bounded by
 * the handler's deadline. Never used on an event loop.
 */
final class HandshakeChannel {
  private final Channel channel;
  private final HandshakeHandler handler;
  private final HandshakeMessage.Greeting greeting;

  private HandshakeChannel(
      Channel channel, HandshakeHandler handler, HandshakeMessage.Greeting greeting) {
    this.channel = channel;
    this.handler = handler;
    this.greeting = greeting;
  }

  /**
   * Connects and waits for the greeting.
   *
   * @throws IllegalStateException on an event loop
   */
  static HandshakeChannel connect(NbdUri uri, NbdClientOptions options, EventLoopGroup loops)
      throws NbdException {
    checkThread("opening NBD connections");
    CompletableFuture<List<HandshakeMessage>> greeting = new CompletableFuture<>();
    HandshakeHandler handler = new HandshakeHandler(greeting, options.handshakeTimeout());
    Channel channel = new Connector(uri, options, loops).connect(handler);
    List<HandshakeMessage> messages = await(channel, greeting);
    return new HandshakeChannel(
        channel, handler, (HandshakeMessage.Greeting) messages.get(messages.size() - 1));
  }

  /** The server's first words. */
  HandshakeMessage.Greeting greeting() {
    return greeting;
  }

  Channel channel() {
    return channel;
  }

  /**
   * Sends an option and waits for all that answers it.
   *
   * @param name the option's, for messages
   */
  List<HandshakeMessage> ask(String name, HandshakeHandler.Question question) throws NbdException {
    checkThread(name);
    return await(channel, handler.exchange(name, question));
  }

  /**
   * Asks for TLS and, if the server agrees, secures the channel. Between the two nothing is read:
   * what the server sent along with its answer is an answer nobody asked for.
   */
  List<HandshakeMessage> startTls(TlsClient tls, String serverName) throws NbdException {
    checkThread("STARTTLS");
    return await(
        channel,
        handler
            .exchange(
                "STARTTLS",
                HandshakeHandler.Question.option(
                    NbdProtocol.OPT_STARTTLS,
                    out -> OptionEncoder.plain(out, NbdProtocol.OPT_STARTTLS)))
            .thenComposeAsync(
                messages ->
                    new HandshakeAnswer("STARTTLS", messages).refused()
                        ? CompletableFuture.completedFuture(messages)
                        : secure(tls, serverName).thenApply(secured -> messages),
                // On this thread if the answer were here already.
                channel.eventLoop()));
  }

  /** On the event loop. */
  private CompletableFuture<Void> secure(TlsClient tls, String serverName) {
    return tls.secure(channel, serverName)
        .exceptionallyCompose(
            tlsFailure -> {
              NbdException earlier = handler.failure();
              return CompletableFuture.failedFuture(earlier == null ? tlsFailure : earlier);
            });
  }

  /** Sends what is not answered. */
  void tell(Consumer<ByteBuf> message) {
    handler.tell(message);
  }

  /** Ends the handshake's deadline; the channel stays. */
  void finish() {
    channel.eventLoop().execute(handler::finish);
  }

  /** The server broke the protocol: closes the connection. */
  NbdProtocolException broken(String reason) {
    close();
    return new NbdProtocolException(reason);
  }

  /** Closes the connection; does not wait. */
  void close() {
    Connector.abandon(channel);
  }

  private static void checkThread(String what) {
    if (EventLoops.onEventLoop()) {
      throw new IllegalStateException(what + " blocks; not on an event loop");
    }
  }

  private static <T> T await(Channel channel, CompletableFuture<T> answer) throws NbdException {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
      Thread.currentThread().interrupt();
      throw new NbdConnectException("interrupted during the NBD handshake", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NbdException failure) {
        throw failure;
      }
      if (e.getCause() instanceof IllegalStateException misuse) {
        throw misuse;
      }
      throw new IllegalStateException("handshake failed unexpectedly", e.getCause());
    }
  }
}
