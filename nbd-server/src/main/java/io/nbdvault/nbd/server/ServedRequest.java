package io.nbdvault.nbd.server;

import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.protocol.Command;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request in flight. Belongs to the event loop but for {@link #serve}, during which it belongs
 * to a worker.
 */
final class ServedRequest {
  private static final Logger LOG = LoggerFactory.getLogger(ServedRequest.class);
  private static final int SMALL_REPLY_BYTES = 64;

  private static final Export.ReadSink NOWHERE =
      new Export.ReadSink() {
        @Override
        public void data(ByteBuffer bytes) {
          // Reading it was the purpose.
        }

        @Override
        public void hole(long lengthBytes) {
          // Nothing to read.
        }
      };

  private final Command command;
  private final RequestHeader header;
  private final ReplyEncoder encoder;
  private @Nullable ByteBuf payload;

  /**
   * A request that its connection's rules have let through.
   *
   * @param payload what a WRITE brings; ownership goes to the request
   */
  ServedRequest(
      Command command, RequestHeader header, HeaderStyle style, @Nullable ByteBuf payload) {
    this.command = command;
    this.header = header;
    this.encoder = new ReplyEncoder(style, header);
    this.payload = payload;
  }

  /** Where the payload is to be written to, borrowed. */
  ByteBuf payload() {
    ByteBuf buffer = payload;
    if (buffer == null) {
      throw new IllegalStateException(command + " has no payload");
    }
    return buffer;
  }

  /** Releases the payload, if it is still there. */
  void dropPayload() {
    if (payload != null) {
      payload.release();
      payload = null;
    }
  }

  /**
   * Has the export do it, and returns the reply, whatever happens. Blocks.
   *
   * @param contexts what BLOCK_STATUS is about
   * @return buffers that belong to the caller
   */
  List<ByteBuf> serve(Export export, ByteBufAllocator alloc, List<String> contexts) {
    try {
      return switch (command) {
        case READ -> read(export, alloc);
        case BLOCK_STATUS -> blockStatus(export, alloc, contexts);
        case WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, DISC -> {
          change(export);
          ByteBuf out = alloc.directBuffer(SMALL_REPLY_BYTES);
          encoder.success(out);
          yield List.of(out);
        }
      };
    } catch (ExportException e) {
      LOG.debug("event=request_refused command={} {}", command, header, e);
      return failure(alloc, e.errno(), e.offsetBytes(), String.valueOf(e.getMessage()));
    } catch (IOException e) {
      LOG.warn("event=request_failed command={} {}", command, header, e);
      return failure(alloc, NbdErrno.EIO, header.offsetBytes(), "input/output error");
    } catch (RuntimeException e) {
      LOG.error("event=request_failed command={} {}", command, header, e);
      return failure(alloc, NbdErrno.EIO, header.offsetBytes(), "internal error");
    } catch (OutOfMemoryError e) {
      // Netty's for direct buffers, mostly; the next request may fit again.
      LOG.error("event=request_failed command={} {}", command, header, e);
      return failure(alloc, NbdErrno.ENOMEM, header.offsetBytes(), "out of memory");
    } finally {
      dropPayload();
    }
  }

  private List<ByteBuf> read(Export export, ByteBufAllocator alloc) throws IOException {
    boolean isWhole = encoder.style() == HeaderStyle.SIMPLE || header.has(NbdProtocol.CMD_FLAG_DF);
    ReadReply reply =
        isWhole ? new WholeRead(alloc, encoder, header) : new ChunkedRead(alloc, encoder, header);
    try {
      export.read(header.offsetBytes(), (int) header.lengthBytes(), reply);
      return reply.finish();
    } finally {
      reply.discard();
    }
  }

  private List<ByteBuf> blockStatus(Export export, ByteBufAllocator alloc, List<String> contexts)
      throws IOException {
    ByteBuf out = alloc.directBuffer(SMALL_REPLY_BYTES * contexts.size());
    boolean isWritten = false;
    try {
      new StatusReply(encoder, header, contexts).write(export, out);
      isWritten = true;
      return List.of(out);
    } finally {
      if (!isWritten) {
        out.release();
      }
    }
  }

  private void change(Export export) throws IOException {
    long offset = header.offsetBytes();
    long length = header.lengthBytes();
    boolean isDurable = header.has(NbdProtocol.CMD_FLAG_FUA);
    switch (command) {
      case WRITE -> export.write(offset, payload().nioBuffer(), isDurable);
      case WRITE_ZEROES ->
          export.zero(offset, length, !header.has(NbdProtocol.CMD_FLAG_NO_HOLE), isDurable);
      case TRIM -> export.trim(offset, length, isDurable);
      case FLUSH -> export.flush();
      case CACHE ->
          // A hint: of a long range the beginning is enough.
          export.read(
              offset, (int) Math.min(length, export.info().blockSizes().maximumBytes()), NOWHERE);
      case READ, BLOCK_STATUS, DISC -> throw new IllegalStateException("changes nothing");
    }
  }

  private List<ByteBuf> failure(
      ByteBufAllocator alloc, NbdErrno errno, long offsetBytes, String message) {
    ByteBuf out = alloc.directBuffer(SMALL_REPLY_BYTES);
    encoder.failure(out, errno, offsetBytes, message);
    return List.of(out);
  }
}
