package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;

/**
 * Told by a {@link ReplyDecoder} what arrives in the transmission phase, in the order of arrival.
 * Each simple reply or chunk begins with {@link #simpleReply} or {@link #chunk} and ends with
 * {@link #end}. Every method may throw: the decoder then stops for good and the connection must be
 * closed. Lengths have been checked against the protocol's limits, but not against the request
 * (proto.md, "Simple reply message", "Structured reply chunk message", "Extended reply chunk
 * message" and "Structured reply types").
 */
public interface ReplyListener {
  /**
   * A simple reply begins.
   *
   * @param error the number on the wire, 0 for success
   * @return bytes of payload that follow: the length of a successful READ, otherwise 0
   */
  int simpleReply(long cookie, int error) throws NbdProtocolException;

  /**
   * A structured reply chunk begins.
   *
   * @param type {@code NbdProtocol.REPLY_TYPE_…}
   * @param done whether it is the reply's last
   */
  void chunk(long cookie, int type, boolean done) throws NbdProtocolException;

  /**
   * The offset of the request that an extended chunk answers, right after {@link #chunk}.
   *
   * @param offsetBytes as received; must be the request's
   */
  void requestOffset(long offsetBytes) throws NbdProtocolException;

  /**
   * A chunk's data is about to come.
   *
   * @param offsetBytes as received, unsigned 64 bits: compare by subtraction
   * @param lengthBytes at least 1
   */
  void dataBegins(long offsetBytes, int lengthBytes) throws NbdProtocolException;

  /**
   * Some of a payload's bytes.
   *
   * @param in borrowed; the listener must consume exactly {@code lengthBytes}
   * @param lengthBytes at least 1
   */
  void data(ByteBuf in, int lengthBytes) throws NbdProtocolException;

  /**
   * A run of zeroes.
   *
   * @param offsetBytes as received, unsigned 64 bits
   * @param lengthBytes 1..2³²−1
   */
  void hole(long offsetBytes, long lengthBytes) throws NbdProtocolException;

  /**
   * A block status begins; {@code extentCount} calls of {@link #extent} follow.
   *
   * @param contextId as in the reply to SET_META_CONTEXT
   * @param extentCount 1..{@link NbdProtocol#EXTENTS_PER_CHUNK_MAX}
   */
  void blockStatus(int contextId, int extentCount) throws NbdProtocolException;

  /**
   * One extent.
   *
   * @param lengthBytes 1..2³²−1; with extended headers 1..2⁶³−1
   * @param flags 32 bits; with extended headers 64
   */
  void extent(long lengthBytes, long flags) throws NbdProtocolException;

  /**
   * An error chunk, with or without an offset.
   *
   * @param error the number on the wire, not 0
   * @param message the server's words, possibly empty, control characters escaped
   */
  void error(int error, String message) throws NbdProtocolException;

  /**
   * An error chunk with an offset, called before {@link #error}.
   *
   * @param offsetBytes as received, unsigned 64 bits
   */
  void errorOffset(long offsetBytes) throws NbdProtocolException;

  /** The simple reply or chunk is complete. */
  void end() throws NbdProtocolException;
}
