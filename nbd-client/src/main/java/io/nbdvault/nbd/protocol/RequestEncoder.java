package io.nbdvault.nbd.protocol;

import io.netty.buffer.ByteBuf;

/**
 * Writes request headers (proto.md, "Request message").
 *
 * <pre>
 *  0       4       6       8              16              24      28
 *  +-------+-------+-------+---------------+---------------+-------+
 *  | magic | flags | type  |    cookie     |    offset     | length|
 *  +-------+-------+-------+---------------+---------------+-------+
 *                                          then, for WRITE, length bytes of payload
 * </pre>
 */
public final class RequestEncoder {
  /** Length of a header. */
  public static final int HEADER_BYTES = 28;

  private RequestEncoder() {}

  /**
   * Appends one header; borrows {@code out}.
   *
   * @param lengthBytes 0..2³²−1
   */
  public static void encode(
      ByteBuf out, int flags, Command command, long cookie, long offsetBytes, long lengthBytes) {
    if (lengthBytes < 0 || lengthBytes > 0xffffffffL) {
      throw new IllegalArgumentException(
          "lengthBytes: " + lengthBytes + " (expected: 0..4294967295)");
    }
    out.writeInt(NbdProtocol.REQUEST_MAGIC);
    out.writeShort(flags);
    out.writeShort(command.code());
    out.writeLong(cookie);
    out.writeLong(offsetBytes);
    out.writeInt((int) lengthBytes);
  }
}
