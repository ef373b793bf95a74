package io.nbdvault.nbd.client;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.netty.buffer.ByteBuf;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A READ. Checks that each chunk of content is one that was asked for, then passes it on. */
final class ReadRequest extends Request {
  private final ReadContent content;
  private Coverage coverage;
  private int contentChunks;

  ReadRequest(
      Operation<?> operation, int flags, long offsetBytes, long lengthBytes, ReadContent content) {
    super(operation, Command.READ, flags, offsetBytes, lengthBytes);
    this.content = content;
    this.coverage = new Coverage(offsetBytes, offsetBytes + lengthBytes);
  }

  @Override
  void dataBegins(long offset, int length) throws NbdProtocolException {
    contentChunk(offset, length);
    content.dataBegins(offset, length);
  }

  @Override
  void data(ByteBuf in, int length) {
    content.data(in, length);
  }

  @Override
  @Nullable ByteBuf receiveInto(int length) {
    return content.receiveInto(length);
  }

  @Override
  void hole(long offset, long length) throws NbdProtocolException {
    contentChunk(offset, length);
    content.hole(offset, length);
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

  @Override
  @Nullable NbdException judge(Set<String> contextNames) {
    return coverage.isComplete()
        ? null
        : new NbdProtocolException(this + ": the reply " + coverage.describe());
  }

  @Override
  boolean forget() {
    if (contentChunks > 0 && !content.canComeAgain()) {
      return false;
    }
    coverage = new Coverage(offsetBytes(), offsetBytes() + lengthBytes());
    contentChunks = 0;
    return true;
  }

  /** EOVERFLOW under DF only says that one chunk is not enough (proto.md, "NBD_CMD_FLAG_DF"). */
  @Override
  boolean retry() {
    if (serverErrno() != NbdErrno.EOVERFLOW || (flags() & NbdProtocol.CMD_FLAG_DF) == 0) {
      return false;
    }
    reset(flags() & ~NbdProtocol.CMD_FLAG_DF);
    return forget();
  }
}
