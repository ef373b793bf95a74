package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A read into the caller's buffer, widened to whole blocks on the wire only. */
final class ReadOperation extends Operation<Void> {
  private final int flags;
  private final long offsetBytes;
  private final int lengthBytes;
  private final Supplier<ByteBuffer> supplier;
  private final Object supplying = new Object();

  @GuardedBy("supplying")
  private @Nullable ByteBuffer destination;

  @GuardedBy("supplying")
  private @Nullable ByteBuffer view;

  @GuardedBy("supplying")
  private @Nullable Throwable thrown;

  /**
   * @param supplier asked once for a buffer with as many bytes remaining as the range has, when the
   *     first content arrives
   */
  ReadOperation(BlockRange range, int requestBytesMax, int flags, Supplier<ByteBuffer> supplier) {
    super(range.widenedOffsetBytes(), range.widenedLengthBytes(), requestBytesMax);
    this.flags = flags;
    this.offsetBytes = range.offsetBytes();
    this.lengthBytes = (int) range.lengthBytes();
    this.supplier = supplier;
  }

  long offsetBytes() {
    return offsetBytes;
  }

  /** The buffer, not to be moved in; null if the caller failed to supply one. On any event loop. */
  @Nullable ByteBuffer destination() {
    synchronized (supplying) {
      if (view == null && thrown == null) {
        supply();
      }
      return view;
    }
  }

  @GuardedBy("supplying")
  private void supply() {
    try {
      ByteBuffer supplied = supplier.get();
      if (supplied.remaining() != lengthBytes || supplied.isReadOnly()) {
        throw new IllegalArgumentException(
            "destination: %s (expected: writable, %d bytes remaining)"
                .formatted(supplied, lengthBytes));
      }
      destination = supplied;
      view = supplied.duplicate();
    } catch (RuntimeException | Error e) {
      // The caller's failure, which must not cost others their connection.
      thrown = e;
    }
  }

  @Override
  Request request(long requestOffsetBytes, long requestLengthBytes) {
    return new ReadRequest(
        this, flags, requestOffsetBytes, requestLengthBytes, new BufferContent(this));
  }

  @Override
  @Nullable Void result() {
    synchronized (supplying) {
      Operation.rethrow(thrown);
      if (destination != null && view != null) {
        destination.position(view.limit());
      }
    }
    return null;
  }
}
