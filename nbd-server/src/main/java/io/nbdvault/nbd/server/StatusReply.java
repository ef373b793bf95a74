package io.nbdvault.nbd.server;

import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.server.protocol.ReplyEncoder;
import io.nbdvault.nbd.server.protocol.RequestHeader;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.List;

/**
 * Writes the reply to a BLOCK_STATUS, a chunk for each context (proto.md, "Structured reply
 * types"). Neighbours with the same flags are made one; no extent reaches past the range; with many
 * extents the reply ends early, as it may.
 */
final class StatusReply {
  private final ReplyEncoder encoder;
  private final RequestHeader request;
  private final List<String> contexts;
  private final boolean isExtended;
  private final int extentsMax;

  /**
   * For one request.
   *
   * @param contexts at least one
   */
  StatusReply(ReplyEncoder encoder, RequestHeader request, List<String> contexts) {
    this.encoder = encoder;
    this.request = request;
    this.contexts = contexts;
    this.isExtended = encoder.style() == HeaderStyle.EXTENDED;
    this.extentsMax =
        request.has(NbdProtocol.CMD_FLAG_REQ_ONE)
            ? 1
            : Math.max(FixedLimits.EXTENTS_PER_REPLY_MAX / contexts.size(), 1);
  }

  /** Asks the export, and appends to {@code out}, which is borrowed. */
  void write(Export export, ByteBuf out) throws IOException {
    for (int id = 0; id < contexts.size(); id++) {
      int index = out.writerIndex();
      boolean isLast = id == contexts.size() - 1;
      int type =
          isExtended
              ? NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT
              : NbdProtocol.REPLY_TYPE_BLOCK_STATUS;
      encoder.chunk(out, type, isLast, 0);
      int begin = out.writerIndex();
      out.writeInt(id);
      int countIndex = out.writerIndex();
      if (isExtended) {
        out.writeInt(0);
      }
      Extents extents = new Extents(out);
      export.extents(contexts.get(id), request.offsetBytes(), request.lengthBytes(), extents);
      int count = extents.end();
      if (isExtended) {
        out.setInt(countIndex, count);
      }
      encoder.setLength(out, index, out.writerIndex() - begin);
    }
  }

  /** Writes extents as they come, each once it is known that the next one is another. */
  private final class Extents implements Export.ExtentVisitor {
    private final ByteBuf out;
    private long leftBytes = request.lengthBytes();
    private long runBytes;
    private long runFlags;
    private int count;

    Extents(ByteBuf out) {
      this.out = out;
    }

    @Override
    public boolean extent(long lengthBytes, long flags) {
      if (lengthBytes < 1) {
        throw new IllegalStateException("the export showed an extent of " + lengthBytes);
      }
      if (runBytes > 0 && flags != runFlags) {
        put();
      }
      if (count == extentsMax || leftBytes == 0) {
        return false;
      }
      long within = Math.min(lengthBytes, leftBytes);
      runFlags = flags;
      runBytes += within;
      leftBytes -= within;
      return leftBytes > 0;
    }

    private void put() {
      if (isExtended) {
        out.writeLong(runBytes);
        out.writeLong(runFlags);
      } else {
        out.writeInt((int) runBytes);
        out.writeInt((int) runFlags);
      }
      count++;
      runBytes = 0;
    }

    int end() throws IOException {
      if (runBytes > 0 && count < extentsMax) {
        put();
      }
      if (count == 0) {
        throw new IOException("the export showed no extent");
      }
      return count;
    }
  }
}
