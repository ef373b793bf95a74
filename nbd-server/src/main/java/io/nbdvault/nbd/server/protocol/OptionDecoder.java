package io.nbdvault.nbd.server.protocol;

import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Decodes what a client sends before the transmission phase, however it is cut (proto.md, "Newstyle
 * negotiation" and "Fixed newstyle negotiation").
 *
 * <pre>
 *  0               4
 *  +---------------+
 *  | client flags  |
 *  +---------------+
 *  0               8      12      16
 *  +---------------+-------+-------+----------------------+
 *  |   IHAVEOPT    | option| length| length bytes of data |
 *  +---------------+-------+-------+----------------------+
 * </pre>
 *
 * What is kept grows with what has arrived, never with what was announced. Not safe for use by
 * several threads. After an exception the decoder must not be used again.
 */
public final class OptionDecoder {
  /** The longest data of an option that is looked at: some queries with long names. */
  public static final int OPTION_BYTES_MAX = 64 << 10;

  /** The longest data of an option that is skipped; a client with a longer one is dropped. */
  public static final int SKIPPED_BYTES_MAX = 1 << 20;

  private static final int FLAGS_BYTES = 4;
  private static final int HEADER_BYTES = 16;
  private static final int FIRST_BYTES = 64;

  private enum State {
    CLIENT_FLAGS,
    OPTION_HEADER,
    OPTION_DATA,
    SKIPPED_DATA
  }

  private final ByteBuf partial = Unpooled.buffer(FIRST_BYTES, OPTION_BYTES_MAX);
  private State state = State.CLIENT_FLAGS;
  private int option;
  private int dataBytes;
  private int skippedBytes;

  /**
   * Consumes bytes up to the end of one message; borrows {@code in}.
   *
   * @return the message, or null if more bytes are needed and {@code in} is used up
   * @throws NbdProtocolException if the client is out of step or over a limit
   */
  public @Nullable ClientMessage decode(ByteBuf in) throws NbdProtocolException {
    return switch (state) {
      case CLIENT_FLAGS -> flags(in);
      case OPTION_HEADER -> header(in) ? data(in) : null;
      case OPTION_DATA -> data(in);
      case SKIPPED_DATA -> skippedData(in);
    };
  }

  private @Nullable ClientMessage flags(ByteBuf in) {
    if (!gather(in, FLAGS_BYTES)) {
      return null;
    }
    int flags = partial.readInt();
    partial.clear();
    state = State.OPTION_HEADER;
    return new ClientMessage.Flags(flags);
  }

  private boolean header(ByteBuf in) throws NbdProtocolException {
    if (!gather(in, HEADER_BYTES)) {
      return false;
    }
    long magic = partial.readLong();
    option = partial.readInt();
    dataBytes = partial.readInt();
    partial.clear();
    if (magic != NbdProtocol.IHAVEOPT) {
      throw new NbdProtocolException("option: magic 0x" + Long.toHexString(magic));
    }
    if (dataBytes < 0 || dataBytes > SKIPPED_BYTES_MAX) {
      throw new NbdProtocolException(
          "option %d: length: %s (expected: <= %d)"
              .formatted(option, Integer.toUnsignedString(dataBytes), SKIPPED_BYTES_MAX));
    }
    boolean isKept = dataBytes <= OPTION_BYTES_MAX && OptionParser.hasData(option);
    state = isKept ? State.OPTION_DATA : State.SKIPPED_DATA;
    return true;
  }

  private @Nullable ClientMessage data(ByteBuf in) throws NbdProtocolException {
    if (state == State.SKIPPED_DATA) {
      return skippedData(in);
    }
    if (!gather(in, dataBytes)) {
      return null;
    }
    ClientMessage message = OptionParser.parse(option, partial);
    partial.clear();
    state = State.OPTION_HEADER;
    return message;
  }

  private @Nullable ClientMessage skippedData(ByteBuf in) throws NbdProtocolException {
    int skipped = Math.min(dataBytes - skippedBytes, in.readableBytes());
    in.skipBytes(skipped);
    skippedBytes += skipped;
    if (skippedBytes < dataBytes) {
      return null;
    }
    skippedBytes = 0;
    state = State.OPTION_HEADER;
    return OptionParser.withoutData(option, dataBytes);
  }

  /** Moves bytes into {@code partial} until it holds {@code lengthBytes}. */
  private boolean gather(ByteBuf in, int lengthBytes) {
    int missing = lengthBytes - partial.readableBytes();
    partial.writeBytes(in, Math.min(missing, in.readableBytes()));
    return partial.readableBytes() == lengthBytes;
  }
}
