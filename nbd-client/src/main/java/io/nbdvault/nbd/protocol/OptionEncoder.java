package io.nbdvault.nbd.protocol;

import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * Writes a client's side of the handshake (proto.md, "Fixed newstyle negotiation").
 *
 * <pre>
 *  0               8      12      16
 *  +---------------+-------+-------+----------------------+
 *  |   IHAVEOPT    | option| length| length bytes of data |
 *  +---------------+-------+-------+----------------------+
 * </pre>
 *
 * Every method borrows {@code out} and appends to it. Names are at most 4096 bytes of UTF-8; longer
 * ones are refused with {@link IllegalArgumentException}.
 */
public final class OptionEncoder {
  private OptionEncoder() {}

  /** The client's 32 flag bits, its answer to the greeting (proto.md, "Client flags"). */
  public static void clientFlags(ByteBuf out, int flags) {
    out.writeInt(flags);
  }

  /** ABORT, LIST, STARTTLS, STRUCTURED_REPLY or EXTENDED_HEADERS: an option without data. */
  public static void plain(ByteBuf out, int option) {
    begin(out, option, 0);
  }

  /** EXPORT_NAME, after which the server sends no option reply. */
  public static void exportName(ByteBuf out, String exportName) {
    byte[] name = utf8(exportName);
    begin(out, NbdProtocol.OPT_EXPORT_NAME, name.length);
    out.writeBytes(name);
  }

  /**
   * GO or INFO.
   *
   * <pre>
   *  | name length (4) | name | count (2) | count × information type (2) |
   * </pre>
   */
  public static void goOrInfo(ByteBuf out, int option, String exportName, int... informationTypes) {
    byte[] name = utf8(exportName);
    begin(out, option, 4 + name.length + 2 + 2 * informationTypes.length);
    string(out, name);
    out.writeShort(informationTypes.length);
    for (int type : informationTypes) {
      out.writeShort(type);
    }
  }

  /**
   * LIST_META_CONTEXT or SET_META_CONTEXT.
   *
   * <pre>
   *  | name length (4) | name | count (4) | count × ( query length (4) | query ) |
   * </pre>
   */
  public static void metaContext(ByteBuf out, int option, String exportName, List<String> queries) {
    if (queries.size() > NbdProtocol.META_CONTEXT_QUERIES_MAX) {
      throw new IllegalArgumentException(
          "queries: %d (expected: <= %d)"
              .formatted(queries.size(), NbdProtocol.META_CONTEXT_QUERIES_MAX));
    }
    byte[] name = utf8(exportName);
    List<byte[]> encoded = queries.stream().map(OptionEncoder::utf8).toList();
    int length = 4 + name.length + 4;
    for (byte[] query : encoded) {
      length += 4 + query.length;
    }
    begin(out, option, length);
    string(out, name);
    out.writeInt(encoded.size());
    for (byte[] query : encoded) {
      string(out, query);
    }
  }

  private static void begin(ByteBuf out, int option, int lengthBytes) {
    out.writeLong(NbdProtocol.IHAVEOPT);
    out.writeInt(option);
    out.writeInt(lengthBytes);
  }

  private static void string(ByteBuf out, byte[] text) {
    out.writeInt(text.length);
    out.writeBytes(text);
  }

  private static byte[] utf8(String text) {
    byte[] bytes = WireString.encode(text);
    if (bytes.length > NbdProtocol.STRING_BYTES_MAX) {
      throw new IllegalArgumentException(
          "name: " + bytes.length + " bytes (expected: <= " + NbdProtocol.STRING_BYTES_MAX + ")");
    }
    return bytes;
  }
}
