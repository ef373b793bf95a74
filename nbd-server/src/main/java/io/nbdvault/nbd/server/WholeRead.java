package io.nbdvault.nbd.server;

import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.server.protocol.ReplyEncoder;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A read in one piece: a simple reply, or one chunk as a client wants it that has set DF (proto.md,
 * "Command flags"), of data, or of zeroes if it is nothing else. A header that says that all is
 * well is sent only when all is there.
 */
final class WholeRead implements ReadReply {
  private static final int HOLE_BYTES = Long.BYTES + Integer.BYTES;

  private final ByteBufAllocator alloc;
  private final ReplyEncoder encoder;
  private final RequestHeader request;
  private long leftBytes;
  private long zeroBytes;
  private @Nullable ByteBuf out;

  WholeRead(ByteBufAllocator alloc, ReplyEncoder encoder, RequestHeader request) {
    this.alloc = alloc;
    this.encoder = encoder;
    this.request = request;
    this.leftBytes = request.lengthBytes();
  }

  @Override
  public void data(ByteBuffer bytes) {
    ReadReply.checkRoom(bytes.remaining(), leftBytes);
    leftBytes -= bytes.remaining();
    if (bytes.hasRemaining()) {
      filled().writeBytes(bytes);
    }
  }

  @Override
  public void hole(long lengthBytes) {
    ReadReply.checkRoom(lengthBytes, leftBytes);
    leftBytes -= lengthBytes;
    zeroBytes += lengthBytes;
  }

  /** The buffer, complete with zeroes up to here. */
  private ByteBuf filled() {
    ByteBuf buffer = out;
    if (buffer == null) {
      buffer = begin();
      out = buffer;
    }
    buffer.writeZero((int) zeroBytes);
    zeroBytes = 0;
    return buffer;
  }

  private ByteBuf begin() {
    int content = (int) request.lengthBytes();
    if (encoder.style() == HeaderStyle.SIMPLE) {
      int bytes = ReplyEncoder.SIMPLE_HEADER_BYTES + content;
      ByteBuf buffer = alloc.directBuffer(bytes, bytes);
      encoder.simple(buffer, 0);
      return buffer;
    }
    int bytes = encoder.chunkHeaderBytes() + Long.BYTES + content;
    ByteBuf buffer = alloc.directBuffer(bytes, bytes);
    encoder.chunk(buffer, NbdProtocol.REPLY_TYPE_OFFSET_DATA, true, (long) Long.BYTES + content);
    buffer.writeLong(request.offsetBytes());
    return buffer;
  }

  @Override
  public List<ByteBuf> finish() throws IOException {
    ReadReply.checkComplete(leftBytes);
    boolean isHole = out == null && encoder.style() != HeaderStyle.SIMPLE;
    ByteBuf reply = isHole ? hole() : filled();
    out = null;
    return List.of(reply);
  }

  private ByteBuf hole() {
    int bytes = encoder.chunkHeaderBytes() + HOLE_BYTES;
    ByteBuf buffer = alloc.directBuffer(bytes, bytes);
    encoder.chunk(buffer, NbdProtocol.REPLY_TYPE_OFFSET_HOLE, true, HOLE_BYTES);
    buffer.writeLong(request.offsetBytes());
    buffer.writeInt((int) request.lengthBytes());
    return buffer;
  }

  @Override
  public void discard() {
    if (out != null) {
      out.release();
      out = null;
    }
  }
}
