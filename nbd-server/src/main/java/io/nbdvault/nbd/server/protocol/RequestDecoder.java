package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.RequestEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Decodes what a client sends in the transmission phase, however it is cut (proto.md, "Request
 * message"; drawn in {@link RequestEncoder}).
 *
 * <p>After {@link Event#HEADER} of a request with a payload the caller says where the payload goes,
 * by {@link #receivePayload} or {@link #skipPayload}, before it decodes on. Nothing is allocated
 * here for a payload. Not safe for use by several threads. After an exception the decoder must not
 * be used again.
 */
public final class RequestDecoder {
  /** The longest payload that is skipped; the longest that a compact header can announce. */
  public static final long PAYLOAD_BYTES_MAX = 0xffffffffL;

  /** What decoding has come to. */
  public enum Event {
    /** More bytes are needed; those there were are used up. */
    NEED_MORE,
    /** A request's header is complete: {@link #header()}. */
    HEADER,
    /** Its payload, received or skipped, is complete, too. */
    PAYLOAD
  }

  private enum State {
    HEADER,
    PAYLOAD_UNDECIDED,
    PAYLOAD,
    SKIPPED_PAYLOAD
  }

  private final boolean isExtended;
  private final int headerBytes;
  private final ByteBuf partial;
  private State state = State.HEADER;
  private boolean isMagicChecked;
  private RequestHeader header = new RequestHeader(0, 0, 0, 0, 0, 0);
  private @Nullable ByteBuf payload;
  private long payloadBytesLeft;

  /** Decodes compact or extended headers. */
  public RequestDecoder(HeaderStyle style) {
    isExtended = style == HeaderStyle.EXTENDED;
    headerBytes = style.requestHeaderBytes();
    partial = Unpooled.buffer(headerBytes, headerBytes);
  }

  /**
   * Consumes bytes up to the next event; borrows {@code in}.
   *
   * @throws NbdProtocolException if the client is out of step or over a limit
   */
  public Event decode(ByteBuf in) throws NbdProtocolException {
    return switch (state) {
      case HEADER -> decodeHeader(in);
      case PAYLOAD_UNDECIDED -> throw new IllegalStateException("where does the payload go?");
      case PAYLOAD, SKIPPED_PAYLOAD -> decodePayload(in);
    };
  }

  /** The last header that was decoded. */
  public RequestHeader header() {
    return header;
  }

  /** Has the payload written to {@code destination}, which is borrowed until it is complete. */
  public void receivePayload(ByteBuf destination) {
    decide(State.PAYLOAD);
    payload = destination;
  }

  /** Has the payload dropped. */
  public void skipPayload() {
    decide(State.SKIPPED_PAYLOAD);
  }

  private void decide(State next) {
    if (state != State.PAYLOAD_UNDECIDED) {
      throw new IllegalStateException("no payload to decide about");
    }
    state = next;
  }

  /** Whether the next byte belongs to a header, which may have begun. */
  public boolean isInHeader() {
    return state == State.HEADER;
  }

  /** Whether the next byte is the first of a request. */
  public boolean isAtBoundary() {
    return state == State.HEADER && !partial.isReadable();
  }

  private Event decodeHeader(ByteBuf in) throws NbdProtocolException {
    partial.writeBytes(in, Math.min(partial.writableBytes(), in.readableBytes()));
    if (!isMagicChecked && partial.readableBytes() >= Integer.BYTES) {
      checkMagic(partial.getInt(0));
      isMagicChecked = true;
    }
    if (partial.isWritable()) {
      return Event.NEED_MORE;
    }
    partial.skipBytes(Integer.BYTES);
    int flags = partial.readUnsignedShort();
    int type = partial.readUnsignedShort();
    long cookie = partial.readLong();
    long offsetBytes = partial.readLong();
    long lengthBytes = isExtended ? partial.readLong() : partial.readUnsignedInt();
    partial.clear();
    isMagicChecked = false;
    boolean hasPayload =
        type == Command.WRITE.code()
            || (isExtended && (flags & NbdProtocol.CMD_FLAG_PAYLOAD_LEN) != 0);
    if (hasPayload && Long.compareUnsigned(lengthBytes, PAYLOAD_BYTES_MAX) > 0) {
      throw new NbdProtocolException(
          "request %d: payload: %s bytes (expected: <= %d)"
              .formatted(type, Long.toUnsignedString(lengthBytes), PAYLOAD_BYTES_MAX));
    }
    payloadBytesLeft = hasPayload ? lengthBytes : 0;
    header = new RequestHeader(flags, type, cookie, offsetBytes, lengthBytes, payloadBytesLeft);
    state = payloadBytesLeft == 0 ? State.HEADER : State.PAYLOAD_UNDECIDED;
    return Event.HEADER;
  }

  private void checkMagic(int magic) throws NbdProtocolException {
    if (magic != (isExtended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC)) {
      throw new NbdProtocolException("request: magic 0x" + Integer.toHexString(magic));
    }
  }

  private Event decodePayload(ByteBuf in) {
    int bytes = (int) Math.min(payloadBytesLeft, in.readableBytes());
    if (payload == null) {
      in.skipBytes(bytes);
    } else {
      payload.writeBytes(in, bytes);
    }
    payloadBytesLeft -= bytes;
    if (payloadBytesLeft > 0) {
      return Event.NEED_MORE;
    }
    payload = null;
    state = State.HEADER;
    return Event.PAYLOAD;
  }
}
