package io.nbdvault.nbd.server.testkit;

import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.OptionEncoder;
import io.nbdvault.nbd.protocol.RequestEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A client that sends whatever a test tells it to, byte for byte. Blocks; use test timeouts. */
public final class RawClient implements AutoCloseable {
  /** Less than the handshake deadline, which would end any connection. */
  private static final long CLOSE_NANOS_MAX = 5_000_000_000L;

  private final SocketChannel channel;
  private final DataInputStream in;
  private final OutputStream out;
  private boolean isExtended;

  /** One option reply. */
  public record OptionReply(int option, int type, ByteBuffer data) {
    /** The data as text. */
    public String text() {
      return StandardCharsets.UTF_8.decode(data.duplicate()).toString();
    }
  }

  /** A simple reply. */
  public record Simple(int error, long cookie) {}

  /** A structured or extended chunk. */
  public record Chunk(int flags, int type, long cookie, ByteBuffer payload) {
    /** Whether it is the reply's last. */
    public boolean isLast() {
      return (flags & NbdProtocol.REPLY_FLAG_DONE) != 0;
    }
  }

  private RawClient(SocketChannel channel) {
    this.channel = channel;
    this.in = new DataInputStream(Channels.newInputStream(channel));
    this.out = Channels.newOutputStream(channel);
  }

  /** Connects and says nothing. */
  public static RawClient connect(Path socket) throws IOException {
    return new RawClient(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
  }

  /** Connects, reads the greeting, and answers it as a fixed newstyle client with NO_ZEROES. */
  public static RawClient greeted(Path socket) throws IOException {
    RawClient client = connect(socket);
    client.readGreeting();
    client.send(o -> OptionEncoder.clientFlags(o, 3));
    return client;
  }

  /** Enters an export with the headers that are wanted, and the contexts. */
  public static RawClient entered(Path socket, String name, HeaderStyle style, String... contexts)
      throws IOException {
    RawClient client = greeted(socket);
    if (style == HeaderStyle.STRUCTURED) {
      client.expectAck(o -> OptionEncoder.plain(o, NbdProtocol.OPT_STRUCTURED_REPLY));
    } else if (style == HeaderStyle.EXTENDED) {
      client.expectAck(o -> OptionEncoder.plain(o, NbdProtocol.OPT_EXTENDED_HEADERS));
    }
    if (contexts.length > 0) {
      client.expectAck(
          o ->
              OptionEncoder.metaContext(
                  o, NbdProtocol.OPT_SET_META_CONTEXT, name, List.of(contexts)));
    }
    client.expectAck(
        o -> OptionEncoder.goOrInfo(o, NbdProtocol.OPT_GO, name, NbdProtocol.INFO_BLOCK_SIZE));
    client.isExtended = style == HeaderStyle.EXTENDED;
    return client;
  }

  /** Sends bytes in one piece. */
  public void send(Consumer<ByteBuf> fields) throws IOException {
    ByteBuf bytes = Unpooled.buffer();
    fields.accept(bytes);
    out.write(ByteBufUtil.getBytes(bytes));
    out.flush();
  }

  /** Sends bytes one by one. */
  public void sendSlowly(Consumer<ByteBuf> fields) throws IOException {
    ByteBuf bytes = Unpooled.buffer();
    fields.accept(bytes);
    while (bytes.isReadable()) {
      out.write(bytes.readByte());
      out.flush();
    }
  }

  /** The greeting's flags. */
  public int readGreeting() throws IOException {
    if (in.readLong() != NbdProtocol.NBDMAGIC || in.readLong() != NbdProtocol.IHAVEOPT) {
      throw new AssertionError("no greeting");
    }
    return in.readUnsignedShort();
  }

  /** The next option reply. */
  public OptionReply readOptionReply() throws IOException {
    if (in.readLong() != NbdProtocol.OPTION_REPLY_MAGIC) {
      throw new AssertionError("no option reply");
    }
    int option = in.readInt();
    int type = in.readInt();
    byte[] data = new byte[in.readInt()];
    in.readFully(data);
    return new OptionReply(option, type, ByteBuffer.wrap(data));
  }

  /** Sends an option and reads its replies to the last. */
  public List<OptionReply> ask(Consumer<ByteBuf> option) throws IOException {
    send(option);
    List<OptionReply> replies = new ArrayList<>();
    OptionReply reply;
    do {
      reply = readOptionReply();
      replies.add(reply);
    } while (reply.type() != NbdProtocol.REP_ACK && reply.type() > 0);
    return replies;
  }

  /** The type of the last reply to an option. */
  public int askForType(Consumer<ByteBuf> option) throws IOException {
    List<OptionReply> replies = ask(option);
    return replies.get(replies.size() - 1).type();
  }

  private void expectAck(Consumer<ByteBuf> option) throws IOException {
    int type = askForType(option);
    if (type != NbdProtocol.REP_ACK) {
      throw new AssertionError("reply type 0x" + Integer.toHexString(type));
    }
  }

  /** Sends a request's header. */
  public void request(int flags, Command command, long cookie, long offset, long length)
      throws IOException {
    HeaderStyle style = isExtended ? HeaderStyle.EXTENDED : HeaderStyle.SIMPLE;
    send(o -> RequestEncoder.encode(o, style, flags, command, cookie, offset, length));
  }

  /** Sends a compact request of any type. */
  public void rawRequest(int flags, int type, long cookie, long offset, long length)
      throws IOException {
    send(
        o -> {
          o.writeInt(isExtended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC);
          o.writeShort(flags);
          o.writeShort(type);
          o.writeLong(cookie);
          o.writeLong(offset);
          if (isExtended) {
            o.writeLong(length);
          } else {
            o.writeInt((int) length);
          }
        });
  }

  /** The next simple reply's header. */
  public Simple readSimple() throws IOException {
    int magic = in.readInt();
    if (magic != NbdProtocol.SIMPLE_REPLY_MAGIC) {
      throw new AssertionError("magic 0x" + Integer.toHexString(magic));
    }
    return new Simple(in.readInt(), in.readLong());
  }

  /** The next chunk. */
  public Chunk readChunk() throws IOException {
    int magic = in.readInt();
    int expected =
        isExtended ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC;
    if (magic != expected) {
      throw new AssertionError("magic 0x" + Integer.toHexString(magic));
    }
    int flags = in.readUnsignedShort();
    int type = in.readUnsignedShort();
    long cookie = in.readLong();
    long length;
    if (isExtended) {
      in.readLong();
      length = in.readLong();
    } else {
      length = in.readInt();
    }
    return new Chunk(flags, type, cookie, ByteBuffer.wrap(bytes((int) length)));
  }

  /** The error number of the next chunk, which must be an error and the last. */
  public int readErrorChunk() throws IOException {
    Chunk chunk = readChunk();
    if (chunk.type() != NbdProtocol.REPLY_TYPE_ERROR_OFFSET || !chunk.isLast()) {
      throw new AssertionError("no error: " + chunk);
    }
    return chunk.payload().getInt(0);
  }

  /** The next so many bytes. */
  public byte[] bytes(int length) throws IOException {
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }

  /** Whether the server closes the connection soon, whatever it has sent before. */
  public boolean isClosedByServer() throws IOException {
    return bytesUntilClosed() >= 0;
  }

  /** How many bytes the server still sends before it closes the connection; -1 if late. */
  public long bytesUntilClosed() throws IOException {
    long begin = System.nanoTime();
    long bytes = 0;
    try {
      while (in.read() >= 0) {
        bytes++;
      }
    } catch (EOFException | SocketException e) {
      // Closed, too.
    }
    return System.nanoTime() - begin < CLOSE_NANOS_MAX ? bytes : -1;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
