package io.nbdvault.nbd.fuzz;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.NbdUri;
import io.nbdvault.nbd.protocol.HandshakeDecoder;
import io.nbdvault.nbd.protocol.HandshakeMessage;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A bare connection to a real server, which keeps every byte that comes. */
public final class Recorder implements AutoCloseable {
  private static final int CLIENT_FLAGS =
      NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES;

  private final SocketChannel channel;
  private final HandshakeDecoder decoder = new HandshakeDecoder();
  private final ByteArrayOutputStream recorded = new ByteArrayOutputStream();

  /** Connects and greets. */
  public Recorder(NbdUri uri) throws IOException, NbdProtocolException {
    NbdUri.Endpoint.Unix unix = (NbdUri.Endpoint.Unix) uri.endpoint();
    channel = SocketChannel.open(UnixDomainSocketAddress.of(unix.socket()));
    awaitMessage();
    send(out -> OptionEncoder.clientFlags(out, CLIENT_FLAGS));
  }

  /** Sends what {@code message} writes. */
  public void send(Consumer<ByteBuf> message) throws IOException {
    ByteBuf out = Unpooled.buffer();
    message.accept(out);
    ByteBuffer bytes = ByteBuffer.wrap(ByteBufUtil.getBytes(out));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Asks an option and returns all that answers it. */
  public List<HandshakeMessage> ask(int option, Consumer<ByteBuf> message)
      throws IOException, NbdProtocolException {
    decoder.expectOption(option);
    send(message);
    List<HandshakeMessage> answer = new ArrayList<>();
    do {
      answer.add(awaitMessage());
    } while (!answer.get(answer.size() - 1).endsExchange());
    return answer;
  }

  private HandshakeMessage awaitMessage() throws IOException, NbdProtocolException {
    @Nullable HandshakeMessage message;
    do {
      // Not a byte too many: the next may belong to something else.
      message = decoder.decode(receive(1));
    } while (message == null);
    return message;
  }

  /** Receives at least one byte, at most so many. */
  public ByteBuf receive(int lengthMax) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(lengthMax);
    if (channel.read(in) < 0) {
      throw new EOFException("the server closed the connection");
    }
    recorded.write(in.array(), 0, in.position());
    return Unpooled.wrappedBuffer(in.array(), 0, in.position());
  }

  /** What has come since the last call. */
  public byte[] takeRecorded() {
    byte[] bytes = recorded.toByteArray();
    recorded.reset();
    return bytes;
  }

  /** Keeps an input as a seed if {@code -Dnbdvault.fuzz.record=DIR} asks for it. */
  public static void keep(String target, String name, byte[] input) throws IOException {
    String directory = System.getProperty("nbdvault.fuzz.record");
    if (directory != null) {
      Path seeds = Files.createDirectories(Path.of(directory, target));
      Files.write(seeds.resolve(name), input);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
