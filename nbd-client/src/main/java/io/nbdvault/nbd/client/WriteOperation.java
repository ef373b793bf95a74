package io.nbdvault.nbd.client;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A write from the caller's buffer. */
final class WriteOperation extends Operation<Void> {
  private final int flags;
  private final long offsetBytes;
  private final ByteBuffer source;
  private final ByteBuffer view;

  WriteOperation(long offsetBytes, int requestBytesMax, int flags, ByteBuffer source) {
    super(offsetBytes, source.remaining(), requestBytesMax);
    this.flags = flags;
    this.offsetBytes = offsetBytes;
    this.source = source;
    this.view = source.duplicate();
  }

  @Override
  Request request(long requestOffsetBytes, long requestLengthBytes) {
    int from = view.position() + (int) (requestOffsetBytes - offsetBytes);
    return new WriteRequest(
        this, flags, requestOffsetBytes, view.slice(from, (int) requestLengthBytes));
  }

  @Override
  boolean changesContent() {
    return true;
  }

  @Override
  @Nullable Void result() {
    source.position(view.limit());
    return null;
  }
}
