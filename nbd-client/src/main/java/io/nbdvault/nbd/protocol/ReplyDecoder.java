package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the replies of the transmission phase, however they are cut, without collecting payloads
 * (proto.md, "Simple reply message", "Structured reply chunk message" and "Extended reply chunk
 * message").
 *
 * <pre>
 *  simple reply      0       4       8              16
 *                    +-------+-------+---------------+---------------------+
 *                    | magic | error |    cookie     | a READ's payload    |
 *                    +-------+-------+---------------+---------------------+
 *  structured chunk  0       4    6    8             16      20
 *                    +-------+----+----+-------------+-------+-------------+
 *                    | magic |flag|type|   cookie    | length| length bytes|
 *                    +-------+----+----+-------------+-------+-------------+
 *  extended chunk    0       4    6    8             16       24       32
 *                    +-------+----+----+-------------+--------+--------+-------------+
 *                    | magic |flag|type|   cookie    | offset | length | length bytes|
 *                    +-------+----+----+-------------+--------+--------+-------------+
 *  OFFSET_DATA       | offset (8) | data |
 *  OFFSET_HOLE       | offset (8) | length (4) |
 *  BLOCK_STATUS      | context id (4) | n × ( length (4) | flags (4) ) |
 *  BLOCK_STATUS_EXT  | context id (4) | n (4) | n × ( length (8) | flags (8) ) |
 *  ERROR             | error (4) | message length (2) | message |
 *  ERROR_OFFSET      | error (4) | message length (2) | message | offset (8) |
 * </pre>
 *
 * Not safe for use by several threads. After an exception the decoder must not be used again.
 */
public final class ReplyDecoder {
  /** What is needed next. Each step takes it, or says that more bytes are needed. */
  private enum State {
    HEADER,
    CHUNK_LENGTH,
    EXTENDED_OFFSET_AND_LENGTH,
    DATA_OFFSET,
    DATA,
    HOLE,
    CONTEXT_ID,
    CONTEXT_ID_AND_COUNT,
    EXTENT,
    EXTENT_64,
    ERROR
  }

  // All headers are at least this long and have the cookie in the same place.
  private static final int HEADER_BYTES = 16;
  private static final int EXTENT_BYTES = 8;
  private static final int EXTENT_64_BYTES = 16;
  private static final int ERROR_BYTES_MIN = 6;

  private final HeaderStyle style;
  private final ReplyListener listener;
  private final ByteBuf partial = Unpooled.buffer(HEADER_BYTES, NbdProtocol.ERROR_CHUNK_BYTES_MAX);
  private State state = State.HEADER;
  private int type;
  private int lengthBytes;
  private int dataBytesLeft;
  private int extentsLeft;

  /**
   * A decoder at the beginning of the transmission phase.
   *
   * @param style what was agreed on; a reply of any other kind is refused
   * @param listener told what arrives, on the thread that calls {@link #decode}
   */
  public ReplyDecoder(HeaderStyle style, ReplyListener listener) {
    this.style = style;
    this.listener = listener;
  }

  /** Whether the peer owes nothing of a reply it has begun. */
  public boolean atBoundary() {
    return state == State.HEADER && !partial.isReadable();
  }

  /** How many bytes of a payload that has begun are still to come. */
  public int payloadBytesLeft() {
    return state == State.DATA ? dataBytesLeft : 0;
  }

  /**
   * How many bytes come before the next payload, supposing that a reply with data comes next; 0 if
   * something else has begun.
   */
  public int bytesBeforePayload() {
    int whole =
        switch (state) {
          case HEADER ->
              switch (style) {
                case SIMPLE -> HEADER_BYTES;
                case STRUCTURED -> HEADER_BYTES + 4 + 8;
                case EXTENDED -> HEADER_BYTES + 16 + 8;
              };
          case CHUNK_LENGTH -> type == NbdProtocol.REPLY_TYPE_OFFSET_DATA ? 4 + 8 : 0;
          case EXTENDED_OFFSET_AND_LENGTH ->
              type == NbdProtocol.REPLY_TYPE_OFFSET_DATA ? 16 + 8 : 0;
          case DATA_OFFSET -> 8;
          case DATA, HOLE, CONTEXT_ID, CONTEXT_ID_AND_COUNT, EXTENT, EXTENT_64, ERROR -> 0;
        };
    return Math.max(whole - partial.readableBytes(), 0);
  }

  /**
   * Consumes up to one piece of a reply; borrows {@code in}.
   *
   * @return whether to call again; false when {@code in} is used up
   * @throws NbdProtocolException if the peer broke the protocol, or from the listener
   */
  public boolean decode(ByteBuf in) throws NbdProtocolException {
    return switch (state) {
      case HEADER -> header(in);
      case CHUNK_LENGTH -> chunkLength(in);
      case EXTENDED_OFFSET_AND_LENGTH -> extendedOffsetAndLength(in);
      case DATA_OFFSET -> dataOffset(in);
      case DATA -> data(in);
      case HOLE -> hole(in);
      case CONTEXT_ID -> contextId(in);
      case CONTEXT_ID_AND_COUNT -> contextIdAndCount(in);
      case EXTENT -> extent(in);
      case EXTENT_64 -> extent64(in);
      case ERROR -> error(in);
    };
  }

  private boolean header(ByteBuf in) throws NbdProtocolException {
    ByteBuf header = gather(in, HEADER_BYTES);
    if (header == null) {
      return false;
    }
    int magic = header.readInt();
    int middle = header.readInt();
    long cookie = header.readLong();
    checkMagic(magic);
    if (magic == NbdProtocol.SIMPLE_REPLY_MAGIC) {
      begin(listener.simpleReply(cookie, middle));
    } else {
      type = middle & 0xffff;
      listener.chunk(cookie, type, (middle >>> 16 & NbdProtocol.REPLY_FLAG_DONE) != 0);
      state = style == HeaderStyle.EXTENDED ? State.EXTENDED_OFFSET_AND_LENGTH : State.CHUNK_LENGTH;
    }
    return true;
  }

  private void checkMagic(int magic) throws NbdProtocolException {
    boolean negotiated =
        switch (magic) {
          case NbdProtocol.SIMPLE_REPLY_MAGIC -> style != HeaderStyle.EXTENDED;
          case NbdProtocol.STRUCTURED_REPLY_MAGIC -> style == HeaderStyle.STRUCTURED;
          case NbdProtocol.EXTENDED_REPLY_MAGIC -> style == HeaderStyle.EXTENDED;
          default -> throw new NbdProtocolException("reply: magic 0x" + Integer.toHexString(magic));
        };
    if (!negotiated) {
      throw new NbdProtocolException(
          "reply: magic 0x%x, which was not negotiated (expected: %s)".formatted(magic, style));
    }
  }

  private void begin(int dataBytes) throws NbdProtocolException {
    dataBytesLeft = dataBytes;
    if (dataBytes > 0) {
      state = State.DATA;
    } else {
      finish();
    }
  }

  private boolean chunkLength(ByteBuf in) throws NbdProtocolException {
    ByteBuf field = gather(in, 4);
    if (field == null) {
      return false;
    }
    lengthBytes = field.readInt();
    beginChunk();
    return true;
  }

  private boolean extendedOffsetAndLength(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, 16);
    if (fields == null) {
      return false;
    }
    listener.requestOffset(fields.readLong());
    long length = fields.readLong();
    if (length < 0 || length > Integer.MAX_VALUE) {
      throw new NbdProtocolException(
          "extended reply: length: " + Long.toUnsignedString(length) + " (expected: < 2^31)");
    }
    lengthBytes = (int) length;
    beginChunk();
    return true;
  }

  private void beginChunk() throws NbdProtocolException {
    switch (type) {
      case NbdProtocol.REPLY_TYPE_NONE -> {
        expectLength(lengthBytes == 0);
        finish();
      }
      case NbdProtocol.REPLY_TYPE_OFFSET_DATA -> {
        // Unsigned values over 2^31 are negative here and refused by the first comparison.
        expectLength(lengthBytes > 8 && lengthBytes - 8 <= NbdProtocol.PAYLOAD_BYTES_MAX);
        state = State.DATA_OFFSET;
      }
      case NbdProtocol.REPLY_TYPE_OFFSET_HOLE -> {
        expectLength(lengthBytes == 12);
        state = State.HOLE;
      }
      case NbdProtocol.REPLY_TYPE_BLOCK_STATUS -> beginBlockStatus(4, EXTENT_BYTES);
      case NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT -> beginBlockStatus(8, EXTENT_64_BYTES);
      default -> unusualChunk();
    }
  }

  private void beginBlockStatus(int prefixBytes, int extentBytes) throws NbdProtocolException {
    boolean wide = extentBytes == EXTENT_64_BYTES;
    if (wide != (style == HeaderStyle.EXTENDED)) {
      throw new NbdProtocolException(
          "block status: chunk type " + type + " (expected: the one for " + style + " headers)");
    }
    extentsLeft = (lengthBytes - prefixBytes) / extentBytes;
    expectLength(
        lengthBytes >= prefixBytes + extentBytes
            && (lengthBytes - prefixBytes) % extentBytes == 0
            && extentsLeft <= NbdProtocol.EXTENTS_PER_CHUNK_MAX);
    state = wide ? State.CONTEXT_ID_AND_COUNT : State.CONTEXT_ID;
  }

  private void unusualChunk() throws NbdProtocolException {
    // Unknown error types share the layout of the known ones ("Error chunks"); others have none.
    if ((type & NbdProtocol.REPLY_TYPE_FLAG_ERROR) == 0) {
      throw new NbdProtocolException("structured reply: unknown chunk type " + type);
    }
    expectLength(
        lengthBytes >= ERROR_BYTES_MIN && lengthBytes <= NbdProtocol.ERROR_CHUNK_BYTES_MAX);
    state = State.ERROR;
  }

  private boolean dataOffset(ByteBuf in) throws NbdProtocolException {
    ByteBuf field = gather(in, 8);
    if (field == null) {
      return false;
    }
    dataBytesLeft = lengthBytes - 8;
    listener.dataBegins(field.readLong(), dataBytesLeft);
    state = State.DATA;
    return true;
  }

  private boolean data(ByteBuf in) throws NbdProtocolException {
    int available = Math.min(in.readableBytes(), dataBytesLeft);
    if (available == 0) {
      return false;
    }
    int before = in.readerIndex();
    listener.data(in, available);
    if (in.readerIndex() - before != available) {
      throw new IllegalStateException(
          "listener consumed "
              + (in.readerIndex() - before)
              + " bytes (expected: "
              + available
              + ")");
    }
    dataBytesLeft -= available;
    if (dataBytesLeft == 0) {
      finish();
    }
    return true;
  }

  private boolean hole(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, 12);
    if (fields == null) {
      return false;
    }
    long offset = fields.readLong();
    long length = fields.readUnsignedInt();
    if (length == 0) {
      throw new NbdProtocolException("OFFSET_HOLE: length: 0 (expected: >= 1)");
    }
    listener.hole(offset, length);
    finish();
    return true;
  }

  private boolean contextId(ByteBuf in) throws NbdProtocolException {
    ByteBuf field = gather(in, 4);
    if (field == null) {
      return false;
    }
    listener.blockStatus(field.readInt(), extentsLeft);
    state = State.EXTENT;
    return true;
  }

  private boolean contextIdAndCount(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, 8);
    if (fields == null) {
      return false;
    }
    int contextId = fields.readInt();
    int count = fields.readInt();
    if (count != extentsLeft) {
      throw new NbdProtocolException(
          "BLOCK_STATUS_EXT: count: "
              + Integer.toUnsignedString(count)
              + " (expected: "
              + extentsLeft
              + " by its length)");
    }
    listener.blockStatus(contextId, extentsLeft);
    state = State.EXTENT_64;
    return true;
  }

  private boolean extent(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, EXTENT_BYTES);
    if (fields == null) {
      return false;
    }
    long length = fields.readUnsignedInt();
    acceptExtent(length, fields.readUnsignedInt());
    return true;
  }

  private boolean extent64(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, EXTENT_64_BYTES);
    if (fields == null) {
      return false;
    }
    long length = fields.readLong();
    acceptExtent(length, fields.readLong());
    return true;
  }

  private void acceptExtent(long length, long flags) throws NbdProtocolException {
    if (length < 1) {
      throw new NbdProtocolException(
          "BLOCK_STATUS: extent of length "
              + Long.toUnsignedString(length)
              + " (expected: 1..2^63-1)");
    }
    listener.extent(length, flags);
    if (--extentsLeft == 0) {
      finish();
    }
  }

  private boolean error(ByteBuf in) throws NbdProtocolException {
    ByteBuf fields = gather(in, lengthBytes);
    if (fields == null) {
      return false;
    }
    int error = fields.readInt();
    int messageBytes = fields.readUnsignedShort();
    int rest = lengthBytes - ERROR_BYTES_MIN - messageBytes;
    if (error == 0) {
      throw new NbdProtocolException("error chunk: error: 0 (expected: not 0)");
    }
    boolean known =
        type == NbdProtocol.REPLY_TYPE_ERROR || type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET;
    int expectedRest = type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET ? 8 : 0;
    expectLength(rest >= 0 && (!known || rest == expectedRest));
    String message = WireString.read(fields, messageBytes, "error message");
    if (type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET) {
      listener.errorOffset(fields.readLong());
    } else {
      fields.skipBytes(rest);
    }
    listener.error(error, WireString.escape(message));
    finish();
    return true;
  }

  private void finish() throws NbdProtocolException {
    state = State.HEADER;
    listener.end();
  }

  private void expectLength(boolean valid) throws NbdProtocolException {
    if (!valid) {
      throw new NbdProtocolException(
          "structured reply: length: "
              + Integer.toUnsignedString(lengthBytes)
              + " is wrong for chunk type "
              + type);
    }
  }

  /**
   * A buffer with the next {@code wanted} bytes, all of which the caller must read, or null if not
   * all have arrived. Only what straddles two inputs is copied.
   */
  private @Nullable ByteBuf gather(ByteBuf in, int wanted) {
    if (!partial.isReadable()) {
      partial.clear();
      if (in.readableBytes() >= wanted) {
        return in;
      }
    }
    int missing = wanted - partial.readableBytes();
    partial.writeBytes(in, Math.min(missing, in.readableBytes()));
    return partial.readableBytes() == wanted ? partial : null;
  }
}
