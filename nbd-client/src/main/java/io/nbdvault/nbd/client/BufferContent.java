package io.nbdvault.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Content that goes to the buffer of a {@link ReadOperation}, which begins to exist with it. */
final class BufferContent implements ReadContent {
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final ReadOperation operation;
  // A view of its own: pieces of one read arrive on several threads.
  private @Nullable ByteBuffer window;
  private int windowStart;
  private int windowEnd;
  private long positionBytes;
  private @Nullable ByteBuf receiving;

  BufferContent(ReadOperation operation) {
    this.operation = operation;
  }

  private ByteBuffer window() {
    ByteBuffer view = window;
    if (view == null) {
      ByteBuffer destination = operation.destination();
      view = destination == null ? NOTHING : destination.duplicate();
      windowStart = view.position();
      windowEnd = view.limit();
      window = view;
    }
    return view;
  }

  @Override
  public boolean canComeAgain() {
    return true;
  }

  @Override
  public void dataBegins(long offset, int length) {
    positionBytes = offset;
    receiving = null;
  }

  @Override
  public @Nullable ByteBuf receiveInto(int length) {
    ByteBuf target = receiving;
    if (target == null) {
      int skip = select(positionBytes, length);
      ByteBuffer view = window();
      if (skip > 0 || view.remaining() != length || !view.isDirect()) {
        return null;
      }
      target = Unpooled.wrappedBuffer(view).clear();
      receiving = target;
    }
    return target.retain();
  }

  // The very buffer that was handed out, not one with the same bytes.
  @SuppressWarnings("ReferenceEquality")
  @Override
  public void data(ByteBuf in, int length) {
    if (in == receiving) {
      // It is where it belongs.
      in.skipBytes(length);
      positionBytes += length;
      return;
    }
    receiving = null;
    int skip = select(positionBytes, length);
    ByteBuffer view = window();
    int wanted = view.remaining();
    in.skipBytes(skip);
    if (wanted > 0) {
      in.readBytes(view);
    }
    in.skipBytes(length - skip - wanted);
    positionBytes += length;
  }

  @Override
  public void hole(long offset, long length) {
    select(offset, length);
    ByteBuffer view = window();
    while (view.hasRemaining()) {
      int piece = Math.min(view.remaining(), ZEROES.capacity());
      view.put(ZEROES.slice(0, piece));
    }
  }

  /**
   * Points the window at the part of the destination that the range falls on; what a widened
   * request covers beyond it on either side is dropped.
   *
   * @return how many of the range's first bytes lie before it
   */
  private int select(long offset, long length) {
    ByteBuffer view = window();
    int windowLength = windowEnd - windowStart;
    long from = Math.min(Math.max(offset - operation.offsetBytes(), 0), windowLength);
    long to = Math.min(Math.max(offset + length - operation.offsetBytes(), 0), windowLength);
    view.limit(windowStart + (int) to).position(windowStart + (int) from);
    return (int) Math.min(Math.max(operation.offsetBytes() - offset, 0), length);
  }
}
