package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.WireString;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads the data of one complete option (proto.md, "Option types"). */
final class OptionParser {
  private OptionParser() {}

  /** Whether an option is known and has data. */
  static boolean hasData(int option) {
    return switch (option) {
      case NbdProtocol.OPT_EXPORT_NAME,
          NbdProtocol.OPT_INFO,
          NbdProtocol.OPT_GO,
          NbdProtocol.OPT_LIST_META_CONTEXT,
          NbdProtocol.OPT_SET_META_CONTEXT ->
          true;
      default -> false;
    };
  }

  /**
   * An option that {@link #hasData}; consumes {@code data}.
   *
   * @throws NbdProtocolException if it is one that cannot be answered with an error
   */
  static ClientMessage parse(int option, ByteBuf data) throws NbdProtocolException {
    if (option == NbdProtocol.OPT_EXPORT_NAME) {
      return new ClientMessage.ExportName(
          WireString.read(data, data.readableBytes(), "export name"));
    }
    try {
      boolean isGoOrInfo = option == NbdProtocol.OPT_GO || option == NbdProtocol.OPT_INFO;
      return isGoOrInfo ? goOrInfo(option, data) : metaContext(option, data);
    } catch (NbdProtocolException e) {
      return new ClientMessage.Malformed(
          option, NbdProtocol.REP_ERR_INVALID, String.valueOf(e.getMessage()));
    }
  }

  /**
   * An option whose data was skipped, because it has none or too much.
   *
   * @throws NbdProtocolException if it is one that cannot be answered with an error
   */
  static ClientMessage withoutData(int option, int dataBytes) throws NbdProtocolException {
    if (hasData(option)) {
      String reason = tooLong(dataBytes);
      if (option == NbdProtocol.OPT_EXPORT_NAME) {
        throw new NbdProtocolException("export name: " + reason);
      }
      return new ClientMessage.Malformed(option, NbdProtocol.REP_ERR_TOO_BIG, reason);
    }
    return switch (option) {
      case NbdProtocol.OPT_LIST,
          NbdProtocol.OPT_ABORT,
          NbdProtocol.OPT_STARTTLS,
          NbdProtocol.OPT_STRUCTURED_REPLY,
          NbdProtocol.OPT_EXTENDED_HEADERS ->
          dataBytes == 0
              ? new ClientMessage.Plain(option)
              : new ClientMessage.Malformed(
                  option, NbdProtocol.REP_ERR_INVALID, "the option takes no data");
      default -> new ClientMessage.Unknown(option);
    };
  }

  private static String tooLong(int dataBytes) {
    return dataBytes + " bytes (expected: <= " + OptionDecoder.OPTION_BYTES_MAX + ")";
  }

  private static ClientMessage goOrInfo(int option, ByteBuf data) throws NbdProtocolException {
    String name = string(data, "export name");
    require(data, Short.BYTES, "count of information");
    int count = data.readUnsignedShort();
    if (data.readableBytes() != count * Short.BYTES) {
      throw new NbdProtocolException(
          "%d information types in %d bytes".formatted(count, data.readableBytes()));
    }
    Set<Integer> wanted = new HashSet<>();
    for (int i = 0; i < count; i++) {
      wanted.add(data.readUnsignedShort());
    }
    return new ClientMessage.GoOrInfo(option, name, wanted);
  }

  private static ClientMessage metaContext(int option, ByteBuf data) throws NbdProtocolException {
    String name = string(data, "export name");
    require(data, Integer.BYTES, "count of queries");
    int count = data.readInt();
    if (count < 0 || count > NbdProtocol.META_CONTEXT_QUERIES_MAX) {
      return new ClientMessage.Malformed(
          option,
          NbdProtocol.REP_ERR_TOO_BIG,
          "%s queries (expected: <= %d)"
              .formatted(Integer.toUnsignedString(count), NbdProtocol.META_CONTEXT_QUERIES_MAX));
    }
    List<String> queries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      queries.add(string(data, "query"));
    }
    if (data.isReadable()) {
      throw new NbdProtocolException(data.readableBytes() + " bytes too many");
    }
    return new ClientMessage.MetaContext(option, name, queries);
  }

  private static String string(ByteBuf data, String what) throws NbdProtocolException {
    require(data, Integer.BYTES, "length of " + what);
    return WireString.read(data, data.readInt(), what);
  }

  private static void require(ByteBuf data, int bytes, String what) throws NbdProtocolException {
    if (data.readableBytes() < bytes) {
      throw new NbdProtocolException(what + ": cut off");
    }
  }
}
