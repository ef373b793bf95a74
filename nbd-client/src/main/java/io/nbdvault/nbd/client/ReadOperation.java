package io.nbdvault.nbd.client;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A read into the caller's buffer, widened to whole blocks. */
final class ReadOperation extends Operation<Void> {
  private final int flags;
  private final long offsetBytes;
  private final ByteBuffer destination;
  private final ByteBuffer view;

  ReadOperation(BlockRange range, int requestBytesMax, int flags, ByteBuffer destination) {
    super(range.widenedOffsetBytes(), range.widenedLengthBytes(), requestBytesMax);
    this.flags = flags;
    this.offsetBytes = range.offsetBytes();
    this.destination = destination;
    this.view = destination.duplicate();
  }

  @Override
  Request request(long requestOffsetBytes, long requestLengthBytes) {
    return new ReadRequest(this, flags, requestOffsetBytes, requestLengthBytes, view, offsetBytes);
  }

  @Override
  @Nullable Void result() {
    destination.position(view.limit());
    return null;
  }
}
