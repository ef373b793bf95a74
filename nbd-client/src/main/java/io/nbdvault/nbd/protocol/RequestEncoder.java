package io.nbdvault.nbd.protocol;

import io.netty.buffer.ByteBuf;

/**
 * Writes request headers (proto.md, "Request message").
 *
 * <pre>
 *  compact   0       4       6       8              16              24      28
 *            +-------+-------+-------+---------------+---------------+-------+
 *            | magic | flags | type  |    cookie     |    offset     | length|
 *            +-------+-------+-------+---------------+---------------+-------+
 *  extended  0       4       6       8              16              24              32
 *            +-------+-------+-------+---------------+---------------+---------------+
 *            | magic | flags | type  |    cookie     |    offset     |    length     |
 *            +-------+-------+-------+---------------+---------------+---------------+
 *                                        then, for WRITE, length bytes of payload
 * </pre>
 */
public final class RequestEncoder {
  /** Length of a compact header, in bytes. */
  public static final int COMPACT_HEADER_BYTES = 28;

  /** Length of an extended header, in bytes. */
  public static final int EXTENDED_HEADER_BYTES = 32;

  private static final long COMPACT_LENGTH_BYTES_MAX = 0xffffffffL;

  private RequestEncoder() {}

  /**
   * Appends one header; borrows {@code out}. An extended WRITE gets the flag that says that its
   * length is its payload's.
   *
   * @param flags {@code NbdProtocol.CMD_FLAG_…}, 16 bits
   * @param cookie comes back in the reply, whatever it is
   * @param offsetBytes 0..2⁶³−1
   * @param lengthBytes 0..2³²−1; with extended headers 0..2⁶³−1
   * @throws IllegalArgumentException if the length does not fit
   */
  public static void encode(
      ByteBuf out,
      HeaderStyle style,
      int flags,
      Command command,
      long cookie,
      long offsetBytes,
      long lengthBytes) {
    boolean extended = style == HeaderStyle.EXTENDED;
    long most = extended ? Long.MAX_VALUE : COMPACT_LENGTH_BYTES_MAX;
    if (lengthBytes < 0 || lengthBytes > most) {
      throw new IllegalArgumentException(
          "lengthBytes: " + lengthBytes + " (expected: 0.." + most + ")");
    }
    boolean payload = extended && command == Command.WRITE;
    out.writeInt(extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC);
    out.writeShort(payload ? flags | NbdProtocol.CMD_FLAG_PAYLOAD_LEN : flags);
    out.writeShort(command.code());
    out.writeLong(cookie);
    out.writeLong(offsetBytes);
    if (extended) {
      out.writeLong(lengthBytes);
    } else {
      out.writeInt((int) lengthBytes);
    }
  }
}
