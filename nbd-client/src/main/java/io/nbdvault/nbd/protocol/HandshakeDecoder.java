package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Decodes what a server sends before the transmission phase, however it is cut (proto.md, "Newstyle
 * negotiation", "Fixed newstyle negotiation" and "Option reply types").
 *
 * <pre>
 *  greeting            0          8          16     18
 *                      +----------+----------+------+
 *                      | NBDMAGIC | IHAVEOPT | flags|
 *                      +----------+----------+------+
 *  option reply        0          8       12      16      20
 *                      +----------+-------+-------+-------+----------------------+
 *                      |  magic   | option| type  | length| length bytes of data |
 *                      +----------+-------+-------+-------+----------------------+
 *  EXPORT_NAME's       0          8      10
 *  answer              +----------+------+-----------------------------+
 *                      |   size   | flags| 124 zeroes unless NO_ZEROES |
 *                      +----------+------+-----------------------------+
 * </pre>
 *
 * Not safe for use by several threads. After an exception the decoder must not be used again.
 */
public final class HandshakeDecoder {
  private enum State {
    GREETING,
    OPTION_REPLY_HEADER,
    OPTION_REPLY_DATA,
    EXPORT_NAME_REPLY
  }

  private static final int GREETING_BYTES = 18;
  private static final int MAGICS_BYTES = 16;
  private static final int OPTION_REPLY_HEADER_BYTES = 20;
  private static final int EXPORT_NAME_REPLY_BYTES = 10;

  private final ByteBuf partial =
      Unpooled.buffer(OPTION_REPLY_HEADER_BYTES, NbdProtocol.OPTION_REPLY_BYTES_MAX);
  private State state = State.GREETING;
  private boolean magicsChecked;
  private int expectedOption;
  private int option;
  private int type;
  private int dataBytes;
  private int exportNameReplyBytes;

  /**
   * Says which option the next replies must answer.
   *
   * @param sentOption {@code NbdProtocol.OPT_…}
   */
  public void expectOption(int sentOption) {
    expectedOption = sentOption;
    state = State.OPTION_REPLY_HEADER;
  }

  /**
   * Says that EXPORT_NAME was sent.
   *
   * @param noZeroes whether NO_ZEROES was agreed on, so that 124 bytes are left out
   */
  public void expectExportNameReply(boolean noZeroes) {
    exportNameReplyBytes =
        EXPORT_NAME_REPLY_BYTES + (noZeroes ? 0 : NbdProtocol.EXPORT_NAME_ZEROES_BYTES);
    state = State.EXPORT_NAME_REPLY;
  }

  /**
   * Consumes bytes up to the end of one message; borrows {@code in}.
   *
   * @return the message, or null if more bytes are needed and {@code in} is used up
   * @throws NbdProtocolException if the server broke the protocol or a limit
   */
  public @Nullable HandshakeMessage decode(ByteBuf in) throws NbdProtocolException {
    return switch (state) {
      case GREETING -> greeting(in);
      case OPTION_REPLY_HEADER -> optionReplyHeader(in) ? optionReplyData(in) : null;
      case OPTION_REPLY_DATA -> optionReplyData(in);
      case EXPORT_NAME_REPLY -> exportNameReply(in);
    };
  }

  private @Nullable HandshakeMessage greeting(ByteBuf in) throws NbdProtocolException {
    // The magics first: what is not an NBD server may never send another byte.
    if (!magicsChecked) {
      if (!gather(in, MAGICS_BYTES)) {
        return null;
      }
      long first = partial.getLong(0);
      long second = partial.getLong(8);
      if (first != NbdProtocol.NBDMAGIC) {
        throw new NbdProtocolException("not an NBD server: it greets with " + hex(first));
      }
      if (second == NbdProtocol.OLDSTYLE_MAGIC) {
        throw new NbdProtocolException("the server speaks oldstyle NBD, which is not supported");
      }
      if (second != NbdProtocol.IHAVEOPT) {
        throw new NbdProtocolException("greeting: magic " + hex(second) + " is not IHAVEOPT");
      }
      magicsChecked = true;
    }
    if (!gather(in, GREETING_BYTES)) {
      return null;
    }
    int flags = partial.getUnsignedShort(MAGICS_BYTES);
    partial.clear();
    return new HandshakeMessage.Greeting(flags);
  }

  private boolean optionReplyHeader(ByteBuf in) throws NbdProtocolException {
    if (!gather(in, OPTION_REPLY_HEADER_BYTES)) {
      return false;
    }
    long magic = partial.readLong();
    option = partial.readInt();
    type = partial.readInt();
    dataBytes = partial.readInt();
    partial.clear();
    if (magic != NbdProtocol.OPTION_REPLY_MAGIC) {
      throw new NbdProtocolException("option reply: magic " + hex(magic));
    }
    if (option != expectedOption) {
      throw new NbdProtocolException(
          "option reply: for option " + option + " (expected: " + expectedOption + ")");
    }
    if (dataBytes < 0 || dataBytes > NbdProtocol.OPTION_REPLY_BYTES_MAX) {
      throw new NbdProtocolException(
          "option reply: length: "
              + Integer.toUnsignedString(dataBytes)
              + " (expected: <= "
              + NbdProtocol.OPTION_REPLY_BYTES_MAX
              + ")");
    }
    state = State.OPTION_REPLY_DATA;
    return true;
  }

  private @Nullable HandshakeMessage optionReplyData(ByteBuf in) throws NbdProtocolException {
    if (!gather(in, dataBytes)) {
      return null;
    }
    HandshakeMessage message = OptionReplyParser.parse(option, type, partial);
    partial.clear();
    state = State.OPTION_REPLY_HEADER;
    return message;
  }

  private @Nullable HandshakeMessage exportNameReply(ByteBuf in) throws NbdProtocolException {
    if (!gather(in, exportNameReplyBytes)) {
      return null;
    }
    long sizeBytes = partial.readLong();
    int flags = partial.readUnsignedShort();
    while (partial.isReadable()) {
      if (partial.readByte() != 0) {
        throw new NbdProtocolException("EXPORT_NAME: reserved bytes are not zero");
      }
    }
    partial.clear();
    OptionReplyParser.checkExport(sizeBytes, flags);
    return new HandshakeMessage.ExportNameReply(sizeBytes, flags);
  }

  /** Moves bytes into {@code partial} until it holds {@code lengthBytes}. */
  private boolean gather(ByteBuf in, int lengthBytes) {
    int missing = lengthBytes - partial.readableBytes();
    partial.ensureWritable(missing); // readBytes does not make room by itself.
    partial.writeBytes(in, Math.min(missing, in.readableBytes()));
    return partial.readableBytes() == lengthBytes;
  }

  private static String hex(long magic) {
    return "0x" + Long.toHexString(magic);
  }
}
