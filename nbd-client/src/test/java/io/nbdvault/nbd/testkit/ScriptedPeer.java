package io.nbdvault.nbd.testkit;

import io.nbdvault.nbd.protocol.NbdProtocol;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The server's end of one connection: reads what a client sends, writes what a script says. */
public final class ScriptedPeer {
  private final DataInputStream in;
  private final OutputStream out;
  private boolean extended;

  /** One option request, with its data not interpreted. */
  public record Option(int option, ByteBuffer data) {}

  /** One request, WRITE's payload included. */
  public record Request(
      int flags, int type, long cookie, long offset, long length, ByteBuffer payload) {}

  /** Writes fields in network byte order. */
  public interface Fields {
    /** Appends to {@code out}. */
    void write(DataOutputStream out) throws IOException;
  }

  ScriptedPeer(SocketChannel channel) {
    in = new DataInputStream(Channels.newInputStream(channel));
    out = Channels.newOutputStream(channel);
  }

  /** The bytes that {@code fields} writes. */
  public static byte[] bytes(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream data = new DataOutputStream(bytes)) {
      fields.write(data);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  /** Sends fields in one piece. */
  public void send(Fields fields) throws IOException {
    out.write(bytes(fields));
    out.flush();
  }

  /** Greets with handshake flags and returns the client's. */
  public int greet(int flags) throws IOException {
    send(
        o -> {
          o.writeLong(NbdProtocol.NBDMAGIC);
          o.writeLong(NbdProtocol.IHAVEOPT);
          o.writeShort(flags);
        });
    return in.readInt();
  }

  /** Greets as a fixed newstyle server with NO_ZEROES. */
  public void greet() throws IOException {
    int clientFlags = greet(3);
    if (clientFlags != 3) {
      throw new AssertionError("client flags: " + clientFlags);
    }
  }

  /** The client's next option. */
  public Option readOption() throws IOException {
    if (in.readLong() != NbdProtocol.IHAVEOPT) {
      throw new AssertionError("option without IHAVEOPT");
    }
    int option = in.readInt();
    byte[] data = new byte[in.readInt()];
    in.readFully(data);
    return new Option(option, ByteBuffer.wrap(data));
  }

  /** The client's next option, which must be {@code expected}. */
  public Option expectOption(int expected) throws IOException {
    Option option = readOption();
    if (option.option() != expected) {
      throw new AssertionError("option: " + option.option() + " (expected: " + expected + ")");
    }
    return option;
  }

  /** Sends one option reply. */
  public void optionReply(int option, int type, Fields data) throws IOException {
    send(o -> writeOptionReply(o, option, type, data));
  }

  /** Appends one option reply to {@code out}. */
  public static void writeOptionReply(DataOutputStream out, int option, int type, Fields data)
      throws IOException {
    byte[] payload = bytes(data);
    out.writeLong(NbdProtocol.OPTION_REPLY_MAGIC);
    out.writeInt(option);
    out.writeInt(type);
    out.writeInt(payload.length);
    out.write(payload);
  }

  /** Acknowledges an option. */
  public void ack(int option) throws IOException {
    optionReply(option, NbdProtocol.REP_ACK, o -> {});
  }

  /** Sends one metadata context in answer to SET_META_CONTEXT. */
  public void context(int id, String name) throws IOException {
    optionReply(
        NbdProtocol.OPT_SET_META_CONTEXT,
        NbdProtocol.REP_META_CONTEXT,
        o -> {
          o.writeInt(id);
          o.write(name.getBytes(StandardCharsets.UTF_8));
        });
  }

  /** Sends INFO_EXPORT in answer to GO. */
  public void exportInfo(long sizeBytes, int flags) throws IOException {
    optionReply(
        NbdProtocol.OPT_GO,
        NbdProtocol.REP_INFO,
        o -> {
          o.writeShort(NbdProtocol.INFO_EXPORT);
          o.writeLong(sizeBytes);
          o.writeShort(flags);
        });
  }

  /** Sends INFO_BLOCK_SIZE in answer to GO. */
  public void blockSizes(int minimum, int preferred, int maximum) throws IOException {
    optionReply(
        NbdProtocol.OPT_GO,
        NbdProtocol.REP_INFO,
        o -> {
          o.writeShort(NbdProtocol.INFO_BLOCK_SIZE);
          o.writeInt(minimum);
          o.writeInt(preferred);
          o.writeInt(maximum);
        });
  }

  /** Says of an option that it is not supported. */
  public void refuse(int option) throws IOException {
    optionReply(option, NbdProtocol.REP_ERR_UNSUP, o -> {});
  }

  /** Reads up to STRUCTURED_REPLY; extended headers, if asked for before, are refused. */
  private void refuseExtendedHeaders() throws IOException {
    Option option = readOption();
    if (option.option() == NbdProtocol.OPT_EXTENDED_HEADERS) {
      refuse(NbdProtocol.OPT_EXTENDED_HEADERS);
      option = readOption();
    }
    if (option.option() != NbdProtocol.OPT_STRUCTURED_REPLY) {
      throw new AssertionError("option: " + option.option() + " (expected: STRUCTURED_REPLY)");
    }
  }

  /** A whole handshake with extended headers; contexts get the ids 1, 2 and so on. */
  public void extendedHandshake(long sizeBytes, int flags, List<String> contexts)
      throws IOException {
    greet();
    expectOption(NbdProtocol.OPT_EXTENDED_HEADERS);
    ack(NbdProtocol.OPT_EXTENDED_HEADERS);
    extended = true;
    enter(sizeBytes, flags, contexts);
  }

  /** A whole handshake with structured replies; contexts get the ids 1, 2 and so on. */
  public void handshake(long sizeBytes, int flags, List<String> contexts) throws IOException {
    greet();
    refuseExtendedHeaders();
    ack(NbdProtocol.OPT_STRUCTURED_REPLY);
    enter(sizeBytes, flags, contexts);
  }

  private void enter(long sizeBytes, int flags, List<String> contexts) throws IOException {
    Option next = readOption();
    if (next.option() == NbdProtocol.OPT_SET_META_CONTEXT) {
      for (int i = 0; i < contexts.size(); i++) {
        context(i + 1, contexts.get(i));
      }
      ack(NbdProtocol.OPT_SET_META_CONTEXT);
      expectOption(NbdProtocol.OPT_GO);
    }
    exportInfo(sizeBytes, flags);
    ack(NbdProtocol.OPT_GO);
  }

  /** A whole handshake with a server that knows simple replies only. */
  public void simpleHandshake(long sizeBytes, int flags) throws IOException {
    greet();
    refuseExtendedHeaders();
    refuse(NbdProtocol.OPT_STRUCTURED_REPLY);
    expectOption(NbdProtocol.OPT_GO);
    exportInfo(sizeBytes, flags);
    ack(NbdProtocol.OPT_GO);
  }

  /** The client's next request. */
  public Request readRequest() throws IOException {
    int magic = extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC;
    if (in.readInt() != magic) {
      throw new AssertionError("request without its magic");
    }
    int flags = in.readUnsignedShort();
    int type = in.readUnsignedShort();
    long cookie = in.readLong();
    long offset = in.readLong();
    long length = extended ? in.readLong() : Integer.toUnsignedLong(in.readInt());
    boolean carries = extended ? (flags & NbdProtocol.CMD_FLAG_PAYLOAD_LEN) != 0 : type == 1;
    byte[] payload = new byte[carries ? Math.toIntExact(length) : 0];
    in.readFully(payload);
    return new Request(flags, type, cookie, offset, length, ByteBuffer.wrap(payload));
  }

  /** Sends a simple reply. */
  public void simple(long cookie, int error, byte[] payload) throws IOException {
    send(
        o -> {
          o.writeInt(NbdProtocol.SIMPLE_REPLY_MAGIC);
          o.writeInt(error);
          o.writeLong(cookie);
          o.write(payload);
        });
  }

  /** Sends a structured reply chunk. */
  public void chunk(long cookie, boolean done, int type, Fields payload) throws IOException {
    byte[] bytes = bytes(payload);
    chunkHeader(cookie, done, type, bytes.length);
    out.write(bytes);
    out.flush();
  }

  /** Sends a structured reply chunk's header alone. */
  public void chunkHeader(long cookie, boolean done, int type, int length) throws IOException {
    send(
        o -> {
          o.writeInt(NbdProtocol.STRUCTURED_REPLY_MAGIC);
          o.writeShort(done ? NbdProtocol.REPLY_FLAG_DONE : 0);
          o.writeShort(type);
          o.writeLong(cookie);
          o.writeInt(length);
        });
  }

  /** Sends an extended reply chunk. */
  public void extendedChunk(Request request, boolean done, int type, Fields payload)
      throws IOException {
    extendedChunk(request.cookie(), request.offset(), done, type, payload);
  }

  /** Sends an extended reply chunk that claims to answer a request at {@code offset}. */
  public void extendedChunk(long cookie, long offset, boolean done, int type, Fields payload)
      throws IOException {
    byte[] bytes = bytes(payload);
    send(
        o -> {
          o.writeInt(NbdProtocol.EXTENDED_REPLY_MAGIC);
          o.writeShort(done ? NbdProtocol.REPLY_FLAG_DONE : 0);
          o.writeShort(type);
          o.writeLong(cookie);
          o.writeLong(offset);
          o.writeLong(bytes.length);
          o.write(bytes);
        });
  }

  /** Sends a data chunk of {@code length} bytes with the value {@code fill}. */
  public void data(long cookie, boolean done, long offset, int length, int fill)
      throws IOException {
    chunk(
        cookie,
        done,
        NbdProtocol.REPLY_TYPE_OFFSET_DATA,
        o -> {
          o.writeLong(offset);
          for (int i = 0; i < length; i++) {
            o.write(fill);
          }
        });
  }

  /** Sends a hole chunk. */
  public void hole(long cookie, boolean done, long offset, int length) throws IOException {
    chunk(
        cookie,
        done,
        NbdProtocol.REPLY_TYPE_OFFSET_HOLE,
        o -> {
          o.writeLong(offset);
          o.writeInt(length);
        });
  }

  /** Sends a NONE chunk with DONE. */
  public void none(long cookie) throws IOException {
    chunk(cookie, true, NbdProtocol.REPLY_TYPE_NONE, o -> {});
  }

  /** Sends an error chunk. */
  public void error(long cookie, boolean done, int error, String message) throws IOException {
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    chunk(
        cookie,
        done,
        NbdProtocol.REPLY_TYPE_ERROR,
        o -> {
          o.writeInt(error);
          o.writeShort(text.length);
          o.write(text);
        });
  }

  /** Sends a block status chunk of pairs of length and flags. */
  public void extents(long cookie, boolean done, int contextId, int... pairs) throws IOException {
    chunk(
        cookie,
        done,
        NbdProtocol.REPLY_TYPE_BLOCK_STATUS,
        o -> {
          o.writeInt(contextId);
          for (int value : pairs) {
            o.writeInt(value);
          }
        });
  }

  /** Reads bytes whatever they are. */
  public void skip(int bytes) throws IOException {
    in.readFully(new byte[bytes]);
  }

  /** Waits until the client closes; drops what it still sends. */
  public void awaitClosed() throws IOException {
    long dropped = in.transferTo(OutputStream.nullOutputStream());
    if (dropped < 0) {
      throw new AssertionError(dropped);
    }
  }
}
