package io.nbdvault.nbd.client;

import io.nbdvault.nbd.protocol.ReplyDecoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Has a payload received where it belongs, and before a payload is expected the header alone, so
 * that the receive ends where the payload begins. Used on one event loop only.
 */
final class ReceivePlan implements ReceiveAllocator.Source {
  private final ReplyDecoder decoder;
  private final ReplyRouter router;
  private final InFlight inFlight;
  private @Nullable ByteBuf headerBuffer;
  private boolean over;

  ReceivePlan(ReplyDecoder decoder, ReplyRouter router, InFlight inFlight) {
    this.decoder = decoder;
    this.router = router;
    this.inFlight = inFlight;
  }

  @Override
  public @Nullable ByteBuf nextBuffer(ByteBufAllocator alloc) {
    if (over) {
      return null;
    }
    int payload = decoder.payloadBytesLeft();
    if (payload >= ClientLimits.DIRECT_RECEIVE_BYTES_MIN) {
      return router.receiveInto(payload);
    }
    int header = decoder.bytesBeforePayload();
    return header > 0 && inFlight.readBytesPerRequest() >= ClientLimits.DIRECT_RECEIVE_BYTES_MIN
        ? headerBuffer(alloc, header)
        : null;
  }

  /** The same buffer again, as long as headers are not cut. */
  private ByteBuf headerBuffer(ByteBufAllocator alloc, int length) {
    ByteBuf kept = headerBuffer;
    if (kept == null || kept.capacity() != length) {
      if (kept != null) {
        kept.release();
      }
      kept = alloc.directBuffer(length, length);
      headerBuffer = kept;
    }
    return kept.clear().retain();
  }

  /** What is received from now on goes to no request any more. */
  void end() {
    over = true;
    if (headerBuffer != null) {
      headerBuffer.release();
      headerBuffer = null;
    }
  }
}
