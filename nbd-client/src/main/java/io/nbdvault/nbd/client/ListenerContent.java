package io.nbdvault.nbd.client;

import io.netty.buffer.ByteBuf;

/** Content that goes to a listener, from the receive buffer. */
final class ListenerContent implements ReadContent {
  private final ReadEventsOperation operation;
  private long positionBytes;

  ListenerContent(ReadEventsOperation operation) {
    this.operation = operation;
  }

  /** The listener was told already. */
  @Override
  public boolean canComeAgain() {
    return false;
  }

  @Override
  public void dataBegins(long offset, int length) {
    positionBytes = offset;
  }

  @Override
  public void data(ByteBuf in, int length) {
    long from = Math.max(positionBytes, operation.offsetBytes());
    long to = Math.min(positionBytes + length, operation.endBytes());
    if (from < to) {
      int start = in.readerIndex() + (int) (from - positionBytes);
      operation.data(from, in.nioBuffer(start, (int) (to - from)).slice().asReadOnlyBuffer());
    }
    in.skipBytes(length);
    positionBytes += length;
  }

  @Override
  public void hole(long offset, long length) {
    long from = Math.max(offset, operation.offsetBytes());
    long to = Math.min(offset + length, operation.endBytes());
    if (from < to) {
      operation.hole(from, to - from);
    }
  }
}
