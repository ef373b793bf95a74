package io.nbdvault.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Cuts the byte stream into JSON objects by their braces and not by line ends, because a monitor
 * with {@code pretty=on} spreads an object over many lines.
 *
 * <p>With {@link JsonSocket.Framing#GUEST_AGENT} the byte 0xFF, which is never part of UTF-8, drops
 * whatever object was under way and marks the next one ({@code guest-sync-delimited}, qga schema);
 * other bytes between objects are dropped. With {@link JsonSocket.Framing#QMP} any byte between
 * objects that is not white space is an error.
 */
final class JsonFrameDecoder extends ByteToMessageDecoder {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int EXCERPT_BYTES_MAX = 64;

  private enum State {
    BETWEEN,
    IN_OBJECT,
    IN_STRING,
    ESCAPED
  }

  private final JsonSocket.Framing framing;
  private final int objectBytesMax;
  private State state = State.BETWEEN;
  private int depth;

  /** Bytes from the reader index on that were looked at, so that none is scanned twice. */
  private int scanned;

  private boolean afterSentinel;

  JsonFrameDecoder(JsonSocket.Framing framing, int objectBytesMax) {
    this.framing = framing;
    this.objectBytesMax = objectBytesMax;
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out)
      throws QmpProtocolException {
    try {
      cut(in, out);
    } catch (QmpProtocolException e) {
      // The connection ends now; what follows the mistake would only be another one.
      in.skipBytes(in.readableBytes());
      reset(false);
      throw e;
    }
  }

  /** Looks at bytes up to the end of an object, or of what is there. */
  private void cut(ByteBuf in, List<Object> out) throws QmpProtocolException {
    while (scanned < in.readableBytes()) {
      byte b = in.getByte(in.readerIndex() + scanned);
      if (b == JsonSocket.SENTINEL && framing == JsonSocket.Framing.GUEST_AGENT) {
        in.skipBytes(scanned + 1);
        reset(true);
        continue;
      }
      scanned++;
      if (step(in, b)) {
        out.add(new JsonFrame(parse(in), afterSentinel));
        in.skipBytes(scanned);
        reset(false);
        return;
      }
      if (scanned > objectBytesMax) {
        throw new QmpProtocolException(
            "message: more than " + objectBytesMax + " bytes (expected: <= lineBytesMax)");
      }
    }
  }

  /** Takes one byte; returns whether it ends an object. */
  private boolean step(ByteBuf in, byte b) throws QmpProtocolException {
    switch (state) {
      case BETWEEN -> between(in, b);
      case IN_STRING -> {
        if (b == '\\') {
          state = State.ESCAPED;
        } else if (b == '"') {
          state = State.IN_OBJECT;
        }
      }
      case ESCAPED -> state = State.IN_STRING;
      case IN_OBJECT -> {
        return inObject(b);
      }
    }
    return false;
  }

  private void between(ByteBuf in, byte b) throws QmpProtocolException {
    if (b == '{') {
      state = State.IN_OBJECT;
      depth = 1;
      return;
    }
    boolean space = b == ' ' || b == '\t' || b == '\r' || b == '\n';
    if (!space && framing == JsonSocket.Framing.QMP) {
      throw new QmpProtocolException("not JSON: " + excerpt(in));
    }
    in.skipBytes(1);
    scanned = 0;
  }

  private boolean inObject(byte b) {
    switch (b) {
      case '"' -> state = State.IN_STRING;
      case '{', '[' -> depth++;
      case '}', ']' -> depth--;
      default -> {}
    }
    return depth == 0;
  }

  private JsonNode parse(ByteBuf in) throws QmpProtocolException {
    try (InputStream bytes = new ByteBufInputStream(in.duplicate(), scanned)) {
      return MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new QmpProtocolException("malformed JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new QmpProtocolException("malformed JSON", e);
    }
  }

  private void reset(boolean sentinelSeen) {
    state = State.BETWEEN;
    depth = 0;
    scanned = 0;
    afterSentinel = sentinelSeen;
  }

  /** The offending bytes and those after them, printable, for a message about what the peer is. */
  private static String excerpt(ByteBuf in) {
    int length = Math.min(in.readableBytes(), EXCERPT_BYTES_MAX);
    String text = in.toString(in.readerIndex(), length, StandardCharsets.US_ASCII);
    return text.replaceAll("[^ -~]+", " ").strip();
  }
}
