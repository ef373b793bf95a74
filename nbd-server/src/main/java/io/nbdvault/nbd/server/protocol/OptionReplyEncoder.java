package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;

/**
 * Writes a server's side of the handshake (proto.md, "Newstyle negotiation" and "Option reply
 * types").
 *
 * <pre>
 *  0          8       12      16      20
 *  +----------+-------+-------+-------+----------------------+
 *  |  magic   | option| type  | length| length bytes of data |
 *  +----------+-------+-------+-------+----------------------+
 * </pre>
 *
 * Every method borrows {@code out} and appends to it. Texts longer than 4096 bytes are cut.
 */
public final class OptionReplyEncoder {
  private static final int EXPORT_BYTES = 2 + 8 + 2;
  private static final int BLOCK_SIZE_BYTES = 2 + 3 * 4;

  private OptionReplyEncoder() {}

  /** The server's first words: fixed newstyle, and NO_ZEROES is offered. */
  public static void greeting(ByteBuf out) {
    out.writeLong(NbdProtocol.NBDMAGIC);
    out.writeLong(NbdProtocol.IHAVEOPT);
    out.writeShort(NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
  }

  /** The last of an option's replies, if it was dealt with. */
  public static void ack(ByteBuf out, int option) {
    begin(out, option, NbdProtocol.REP_ACK, 0);
  }

  /**
   * The last of an option's replies, if it was not.
   *
   * @param type {@code NbdProtocol.REP_ERR_…}
   */
  public static void error(ByteBuf out, int option, int type, String message) {
    byte[] text = text(message);
    begin(out, option, type, text.length);
    out.writeBytes(text);
  }

  /** One export of a LIST. */
  public static void server(ByteBuf out, String exportName, String description) {
    byte[] name = text(exportName);
    byte[] details = text(description);
    begin(out, NbdProtocol.OPT_LIST, NbdProtocol.REP_SERVER, 4 + name.length + details.length);
    out.writeInt(name.length);
    out.writeBytes(name);
    out.writeBytes(details);
  }

  /** The size and transmission flags, for INFO or GO. */
  public static void infoExport(ByteBuf out, int option, long sizeBytes, int flags) {
    begin(out, option, NbdProtocol.REP_INFO, EXPORT_BYTES);
    out.writeShort(NbdProtocol.INFO_EXPORT);
    out.writeLong(sizeBytes);
    out.writeShort(flags);
  }

  /**
   * A text, for INFO or GO.
   *
   * @param type INFO_NAME or INFO_DESCRIPTION
   */
  public static void infoText(ByteBuf out, int option, int type, String text) {
    byte[] bytes = text(text);
    begin(out, option, NbdProtocol.REP_INFO, 2 + bytes.length);
    out.writeShort(type);
    out.writeBytes(bytes);
  }

  /** The block sizes, for INFO or GO. */
  public static void infoBlockSize(ByteBuf out, int option, BlockSizes sizes) {
    begin(out, option, NbdProtocol.REP_INFO, BLOCK_SIZE_BYTES);
    out.writeShort(NbdProtocol.INFO_BLOCK_SIZE);
    out.writeInt(sizes.minimumBytes());
    out.writeInt(sizes.preferredBytes());
    out.writeInt(sizes.maximumBytes());
  }

  /** One metadata context. */
  public static void metaContext(ByteBuf out, int option, int id, String name) {
    byte[] bytes = text(name);
    begin(out, option, NbdProtocol.REP_META_CONTEXT, 4 + bytes.length);
    out.writeInt(id);
    out.writeBytes(bytes);
  }

  /** The answer to EXPORT_NAME. */
  public static void exportName(ByteBuf out, long sizeBytes, int flags, boolean noZeroes) {
    out.writeLong(sizeBytes);
    out.writeShort(flags);
    if (!noZeroes) {
      out.writeZero(NbdProtocol.EXPORT_NAME_ZEROES_BYTES);
    }
  }

  private static void begin(ByteBuf out, int option, int type, int lengthBytes) {
    out.writeLong(NbdProtocol.OPTION_REPLY_MAGIC);
    out.writeInt(option);
    out.writeInt(type);
    out.writeInt(lengthBytes);
  }

  private static byte[] text(String text) {
    return WireText.encode(text);
  }
}
