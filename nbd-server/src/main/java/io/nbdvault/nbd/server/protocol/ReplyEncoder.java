package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;

/**
 * Writes replies of the transmission phase (proto.md, "Simple reply message", "Structured reply
 * chunk message" and "Extended reply chunk message").
 *
 * <pre>
 *  simple      0       4       8              16
 *              +-------+-------+---------------+
 *              | magic | error |    cookie     |
 *              +-------+-------+---------------+
 *  structured  0       4     6     8              16      20
 *              +-------+-----+-----+---------------+-------+
 *              | magic |flags|type |    cookie     | length|
 *              +-------+-----+-----+---------------+-------+
 *  extended    0       4     6     8              16              24              32
 *              +-------+-----+-----+---------------+---------------+---------------+
 *              | magic |flags|type |    cookie     |    offset     |    length     |
 *              +-------+-----+-----+---------------+---------------+---------------+
 * </pre>
 *
 * One for each request. Every method borrows {@code out} and appends to it, or changes it.
 */
public final class ReplyEncoder {
  /** Length of a simple reply's header, in bytes. */
  public static final int SIMPLE_HEADER_BYTES = 16;

  private static final int STRUCTURED_HEADER_BYTES = 20;
  private static final int EXTENDED_HEADER_BYTES = 32;
  private static final int FLAGS_INDEX = 4;

  private final HeaderStyle style;
  private final long cookie;
  private final long requestOffsetBytes;

  /** For replies to one request. */
  public ReplyEncoder(HeaderStyle style, RequestHeader request) {
    this.style = style;
    this.cookie = request.cookie();
    this.requestOffsetBytes = request.offsetBytes();
  }

  /** How the connection's headers look. */
  public HeaderStyle style() {
    return style;
  }

  /** Length of a chunk's header, in bytes. */
  public int chunkHeaderBytes() {
    return style == HeaderStyle.EXTENDED ? EXTENDED_HEADER_BYTES : STRUCTURED_HEADER_BYTES;
  }

  /** A simple reply without data, or the beginning of one with it. */
  public void simple(ByteBuf out, int error) {
    out.writeInt(NbdProtocol.SIMPLE_REPLY_MAGIC);
    out.writeInt(error);
    out.writeLong(cookie);
  }

  /** A chunk's header. */
  public void chunk(ByteBuf out, int type, boolean isLast, long lengthBytes) {
    boolean isExtended = style == HeaderStyle.EXTENDED;
    out.writeInt(
        isExtended ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC);
    out.writeShort(isLast ? NbdProtocol.REPLY_FLAG_DONE : 0);
    out.writeShort(type);
    out.writeLong(cookie);
    if (isExtended) {
      out.writeLong(requestOffsetBytes);
      out.writeLong(lengthBytes);
    } else {
      out.writeInt((int) lengthBytes);
    }
  }

  /** Changes the length of a chunk whose header was written at {@code index}. */
  public void setLength(ByteBuf out, int index, long lengthBytes) {
    if (style == HeaderStyle.EXTENDED) {
      out.setLong(index + EXTENDED_HEADER_BYTES - Long.BYTES, lengthBytes);
    } else {
      out.setInt(index + STRUCTURED_HEADER_BYTES - Integer.BYTES, (int) lengthBytes);
    }
  }

  /** Makes a chunk whose header was written at {@code index} the reply's last. */
  public static void setLast(ByteBuf out, int index) {
    out.setShort(index + FLAGS_INDEX, NbdProtocol.REPLY_FLAG_DONE);
  }

  /** A whole reply without content, to anything but READ and BLOCK_STATUS. */
  public void success(ByteBuf out) {
    if (style == HeaderStyle.EXTENDED) {
      chunk(out, NbdProtocol.REPLY_TYPE_NONE, true, 0);
    } else {
      simple(out, 0);
    }
  }

  /**
   * A whole reply that says that the request failed.
   *
   * @param offsetBytes where
   * @param message for people; cut to 4096 bytes
   */
  public void failure(ByteBuf out, NbdErrno errno, long offsetBytes, String message) {
    if (style == HeaderStyle.SIMPLE) {
      simple(out, errno.code());
      return;
    }
    byte[] text = WireText.encode(message);
    chunk(
        out,
        NbdProtocol.REPLY_TYPE_ERROR_OFFSET,
        true,
        Integer.BYTES + Short.BYTES + text.length + Long.BYTES);
    out.writeInt(errno.code());
    out.writeShort(text.length);
    out.writeBytes(text);
    out.writeLong(offsetBytes);
  }
}
