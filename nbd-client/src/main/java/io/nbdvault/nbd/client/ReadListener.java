package io.nbdvault.nbd.client;

import java.nio.ByteBuffer;

/**
 * Told what a read brings while it arrives (proto.md, "NBD_REPLY_TYPE_OFFSET_DATA",
 * "NBD_REPLY_TYPE_OFFSET_HOLE"). What it is told is valid only if the read's future succeeds: an
 * error, or a range that comes twice or not at all, shows at the end. After EOVERFLOW under DF the
 * range is read again, and told again.
 *
 * <p>Methods are called on the client's I/O threads, one at a time, in whatever order the server
 * answers, and must not block. What a method throws fails the read; nothing more is told then.
 */
public interface ReadListener {
  /**
   * Data.
   *
   * @param offsetBytes where in the export the first byte is from
   * @param data read-only, direct, at least one byte, borrowed: not to be touched after returning
   */
  void data(long offsetBytes, ByteBuffer data);

  /**
   * A run of zeroes that the server did not send as data.
   *
   * @param offsetBytes where in the export it begins
   * @param lengthBytes at least 1
   */
  void hole(long offsetBytes, long lengthBytes);
}
