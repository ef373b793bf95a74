package io.nbdvault.nbd.server;

import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.server.protocol.ReplyEncoder;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A read in as many chunks as its content has runs of data and of zeroes (proto.md, "Structured
 * reply types"). Short runs of zeroes beside data are made data, long runs of data are cut, so that
 * neither chunks nor buffers become many or large.
 */
final class ChunkedRead implements ReadReply {
  private static final int HOLE_BYTES = Long.BYTES + Integer.BYTES;
  private static final int NONE = -1;
  // A buffer with less room left than this gets no new chunk of data.
  private static final int DATA_ROOM_BYTES_MIN = 4 << 10;

  private final ByteBufAllocator alloc;
  private final ReplyEncoder encoder;
  private final List<ByteBuf> buffers = new ArrayList<>();
  private final int headerBytes;
  private @Nullable ByteBuf current;
  private long offsetBytes;
  private long leftBytes;
  private long pendingHoleBytes;
  private int dataChunkIndex = NONE;
  private int lastChunkIndex = NONE;

  ChunkedRead(ByteBufAllocator alloc, ReplyEncoder encoder, RequestHeader request) {
    this.alloc = alloc;
    this.encoder = encoder;
    this.headerBytes = encoder.chunkHeaderBytes();
    this.offsetBytes = request.offsetBytes();
    this.leftBytes = request.lengthBytes();
  }

  @Override
  public void data(ByteBuffer bytes) {
    ReadReply.checkRoom(bytes.remaining(), leftBytes - pendingHoleBytes);
    if (!bytes.hasRemaining()) {
      return;
    }
    if (pendingHoleBytes >= FixedLimits.HOLE_CHUNK_BYTES_MIN) {
      holeChunk();
    }
    while (pendingHoleBytes > 0) {
      ByteBuf out = dataRoom();
      int piece = (int) Math.min(pendingHoleBytes, out.writableBytes());
      out.writeZero(piece);
      pendingHoleBytes -= piece;
      advance(piece);
    }
    int end = bytes.limit();
    while (bytes.hasRemaining()) {
      ByteBuf out = dataRoom();
      int piece = Math.min(bytes.remaining(), out.writableBytes());
      bytes.limit(bytes.position() + piece);
      out.writeBytes(bytes);
      bytes.limit(end);
      advance(piece);
    }
  }

  @Override
  public void hole(long lengthBytes) {
    ReadReply.checkRoom(lengthBytes, leftBytes - pendingHoleBytes);
    pendingHoleBytes += lengthBytes;
  }

  private void advance(long bytes) {
    offsetBytes += bytes;
    leftBytes -= bytes;
  }

  private void holeChunk() {
    endDataChunk();
    ByteBuf out = room(headerBytes + HOLE_BYTES);
    lastChunkIndex = out.writerIndex();
    encoder.chunk(out, NbdProtocol.REPLY_TYPE_OFFSET_HOLE, false, HOLE_BYTES);
    out.writeLong(offsetBytes);
    out.writeInt((int) pendingHoleBytes);
    advance(pendingHoleBytes);
    pendingHoleBytes = 0;
  }

  /** A buffer with an open chunk of data and room for at least one byte more. */
  private ByteBuf dataRoom() {
    ByteBuf out = current;
    if (dataChunkIndex != NONE && out != null && out.isWritable()) {
      return out;
    }
    endDataChunk();
    int least = headerBytes + Long.BYTES + (int) Math.min(leftBytes, DATA_ROOM_BYTES_MIN);
    out = room(least);
    dataChunkIndex = out.writerIndex();
    lastChunkIndex = dataChunkIndex;
    encoder.chunk(out, NbdProtocol.REPLY_TYPE_OFFSET_DATA, false, 0);
    out.writeLong(offsetBytes);
    return out;
  }

  private void endDataChunk() {
    ByteBuf out = current;
    if (dataChunkIndex != NONE && out != null) {
      encoder.setLength(out, dataChunkIndex, out.writerIndex() - dataChunkIndex - headerBytes);
      dataChunkIndex = NONE;
    }
  }

  /** The current buffer if it has room for so many bytes, else a new one. */
  private ByteBuf room(int leastBytes) {
    ByteBuf out = current;
    if (out != null && out.writableBytes() >= leastBytes) {
      return out;
    }
    // Zeroes that are to become a chunk of their own need no room.
    boolean isHole = pendingHoleBytes == leftBytes;
    long wanted = isHole ? leastBytes : leftBytes + headerBytes + Long.BYTES;
    int bytes = (int) Math.max(leastBytes, Math.min(wanted, FixedLimits.DATA_CHUNK_BYTES_MAX));
    out = alloc.directBuffer(bytes, bytes);
    buffers.add(out);
    current = out;
    return out;
  }

  @Override
  public List<ByteBuf> finish() throws IOException {
    ReadReply.checkComplete(leftBytes - pendingHoleBytes);
    if (pendingHoleBytes > 0) {
      holeChunk();
    }
    endDataChunk();
    if (current != null) {
      ReplyEncoder.setLast(current, lastChunkIndex);
    }
    List<ByteBuf> reply = List.copyOf(buffers);
    buffers.clear();
    return reply;
  }

  @Override
  public void discard() {
    buffers.forEach(ByteBuf::release);
    buffers.clear();
  }
}
