package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A READ, whose data goes straight from the receive buffer to the caller's. */
final class ReadRequest extends Request {
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

  private final ByteBuffer window;
  private final int windowStart;
  private final int windowEnd;
  private final long windowOffsetBytes;
  private Coverage coverage;
  private int contentChunks;
  private long dataPositionBytes;

  /**
   * Borrows the destination until the operation completes.
   *
   * @param destination where the bytes from {@code destinationOffsetBytes} on go; what the request
   *     covers beyond it on either side is dropped
   */
  ReadRequest(
      Operation<?> operation,
      int flags,
      long offsetBytes,
      long lengthBytes,
      ByteBuffer destination,
      long destinationOffsetBytes) {
    super(operation, Command.READ, flags, offsetBytes, lengthBytes);
    // A view of its own: pieces of one read arrive on several threads.
    this.window = destination.duplicate();
    this.windowStart = destination.position();
    this.windowEnd = destination.limit();
    this.windowOffsetBytes = destinationOffsetBytes;
    this.coverage = new Coverage(offsetBytes, offsetBytes + lengthBytes);
  }

  @Override
  void dataBegins(long offset, int length) throws NbdProtocolException {
    contentChunk(offset, length);
    dataPositionBytes = offset;
  }

  @Override
  void data(ByteBuf in, int length) {
    int skip = select(dataPositionBytes, length);
    int wanted = window.remaining();
    in.skipBytes(skip);
    if (wanted > 0) {
      in.readBytes(window);
    }
    in.skipBytes(length - skip - wanted);
    dataPositionBytes += length;
  }

  @Override
  void hole(long offset, long length) throws NbdProtocolException {
    contentChunk(offset, length);
    select(offset, length);
    while (window.hasRemaining()) {
      int piece = Math.min(window.remaining(), ZEROES.capacity());
      window.put(ZEROES.slice(0, piece));
    }
  }

  private void contentChunk(long offset, long length) throws NbdProtocolException {
    long skipped = offset - offsetBytes();
    // By subtraction: offset + length may overflow.
    if (offset < 0 || skipped < 0 || length > lengthBytes() || skipped > lengthBytes() - length) {
      throw new NbdProtocolException(
          "%s: chunk of %d bytes at %s lies outside"
              .formatted(this, length, Long.toUnsignedString(offset)));
    }
    contentChunks++;
    if (contentChunks > 1 && (flags() & NbdProtocol.CMD_FLAG_DF) != 0) {
      throw new NbdProtocolException(this + ": more than one content chunk under DF");
    }
    coverage.add(offset, offset + length);
  }

  /**
   * Points the window at the part of the destination that the range falls on.
   *
   * @return how many of the range's first bytes lie before it
   */
  private int select(long offset, long length) {
    int windowLength = windowEnd - windowStart;
    long from = Math.min(Math.max(offset - windowOffsetBytes, 0), windowLength);
    long to = Math.min(Math.max(offset + length - windowOffsetBytes, 0), windowLength);
    window.limit(windowStart + (int) to).position(windowStart + (int) from);
    return (int) Math.min(Math.max(windowOffsetBytes - offset, 0), length);
  }

  @Override
  @Nullable NbdException judge(Set<String> contextNames) {
    return coverage.isComplete()
        ? null
        : new NbdProtocolException(this + ": the reply " + coverage.describe());
  }

  /** EOVERFLOW under DF only says that one chunk is not enough (proto.md, "NBD_CMD_FLAG_DF"). */
  @Override
  boolean retry() {
    if (serverErrno() != NbdErrno.EOVERFLOW || (flags() & NbdProtocol.CMD_FLAG_DF) == 0) {
      return false;
    }
    reset(flags() & ~NbdProtocol.CMD_FLAG_DF);
    coverage = new Coverage(offsetBytes(), offsetBytes() + lengthBytes());
    contentChunks = 0;
    return true;
  }
}
