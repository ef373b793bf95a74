package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;

/** Reads the data of one complete option reply (proto.md, "Option reply types"). */
final class OptionReplyParser {
  private OptionReplyParser() {}

  static HandshakeMessage.OptionReply parse(int option, int type, ByteBuf data)
      throws NbdProtocolException {
    if ((type & NbdProtocol.REP_FLAG_ERROR) != 0) {
      String message = WireString.read(data, data.readableBytes(), "option error message");
      return new HandshakeMessage.Refusal(option, type, WireString.escape(message));
    }
    boolean exportOption = option == NbdProtocol.OPT_GO || option == NbdProtocol.OPT_INFO;
    boolean contextOption =
        option == NbdProtocol.OPT_SET_META_CONTEXT || option == NbdProtocol.OPT_LIST_META_CONTEXT;
    if (type == NbdProtocol.REP_ACK) {
      expectLength(data, 0, "ACK");
      return new HandshakeMessage.Ack(option);
    } else if (type == NbdProtocol.REP_SERVER && option == NbdProtocol.OPT_LIST) {
      return server(option, data);
    } else if (type == NbdProtocol.REP_INFO && exportOption) {
      return information(option, data);
    } else if (type == NbdProtocol.REP_META_CONTEXT && contextOption) {
      return metaContext(option, data);
    }
    throw new NbdProtocolException("option " + option + ": unexpected reply type " + type);
  }

  /** The checks that INFO_EXPORT and EXPORT_NAME's answer have in common. */
  static void checkExport(long sizeBytes, int flags) throws NbdProtocolException {
    if (sizeBytes < 0) {
      throw new NbdProtocolException(
          "export size: " + Long.toUnsignedString(sizeBytes) + " (expected: < 2^63)");
    }
    if ((flags & NbdProtocol.FLAG_HAS_FLAGS) == 0) {
      throw new NbdProtocolException(
          "transmission flags: 0x" + Integer.toHexString(flags) + " (expected: HAS_FLAGS set)");
    }
  }

  /** {@code | name length (4) | name | details |}. */
  private static HandshakeMessage.OptionReply server(int option, ByteBuf data)
      throws NbdProtocolException {
    expectAtLeast(data, 4, "SERVER");
    String name = WireString.read(data, data.readInt(), "export name");
    String details = WireString.read(data, data.readableBytes(), "export details");
    return new HandshakeMessage.Server(option, name, details);
  }

  /** {@code | information type (2) | …}. */
  private static HandshakeMessage.OptionReply information(int option, ByteBuf data)
      throws NbdProtocolException {
    expectAtLeast(data, 2, "INFO");
    int type = data.readUnsignedShort();
    switch (type) {
      case NbdProtocol.INFO_EXPORT -> {
        expectLength(data, 10, "INFO_EXPORT");
        long sizeBytes = data.readLong();
        int flags = data.readUnsignedShort();
        checkExport(sizeBytes, flags);
        return new HandshakeMessage.ExportInformation(option, sizeBytes, flags);
      }
      case NbdProtocol.INFO_BLOCK_SIZE -> {
        expectLength(data, 12, "INFO_BLOCK_SIZE");
        BlockSizes sizes =
            BlockSizes.ofWire(
                data.readUnsignedInt(), data.readUnsignedInt(), data.readUnsignedInt());
        return new HandshakeMessage.BlockSizeInformation(option, sizes);
      }
      case NbdProtocol.INFO_DESCRIPTION -> {
        String text = WireString.read(data, data.readableBytes(), "export description");
        return new HandshakeMessage.Description(option, text);
      }
      default -> {
        return new HandshakeMessage.OtherInformation(option, type);
      }
    }
  }

  /** {@code | context id (4) | name |}. */
  private static HandshakeMessage.OptionReply metaContext(int option, ByteBuf data)
      throws NbdProtocolException {
    expectAtLeast(data, 5, "META_CONTEXT");
    int id = data.readInt();
    String name = WireString.read(data, data.readableBytes(), "metadata context name");
    return new HandshakeMessage.MetaContext(option, id, name);
  }

  private static void expectLength(ByteBuf data, int lengthBytes, String what)
      throws NbdProtocolException {
    if (data.readableBytes() != lengthBytes) {
      throw new NbdProtocolException(
          what + ": " + data.readableBytes() + " bytes left (expected: " + lengthBytes + ")");
    }
  }

  private static void expectAtLeast(ByteBuf data, int lengthBytes, String what)
      throws NbdProtocolException {
    if (data.readableBytes() < lengthBytes) {
      throw new NbdProtocolException(
          what + ": " + data.readableBytes() + " bytes left (expected: >= " + lengthBytes + ")");
    }
  }
}
