package io.nbdvault.nbd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A read that tells a listener what arrives, widened to whole blocks on the wire only. */
final class ReadEventsOperation extends Operation<Void> {
  private final int flags;
  private final long offsetBytes;
  private final long endBytes;
  // Held while the listener is told something, so that it is told one thing at a time.
  private final Object telling = new Object();
  private final ReadListener listener;

  @GuardedBy("telling")
  private @Nullable Throwable thrown;

  ReadEventsOperation(BlockRange range, int requestBytesMax, int flags, ReadListener listener) {
    super(range.widenedOffsetBytes(), range.widenedLengthBytes(), requestBytesMax);
    this.flags = flags;
    this.offsetBytes = range.offsetBytes();
    this.endBytes = range.offsetBytes() + range.lengthBytes();
    this.listener = listener;
  }

  long offsetBytes() {
    return offsetBytes;
  }

  long endBytes() {
    return endBytes;
  }

  void data(long offset, ByteBuffer data) {
    tell(() -> listener.data(offset, data));
  }

  void hole(long offset, long length) {
    tell(() -> listener.hole(offset, length));
  }

  /** What the listener throws is for the caller, not for the connection that others use too. */
  private void tell(Runnable event) {
    synchronized (telling) {
      if (thrown != null) {
        return;
      }
      try {
        event.run();
      } catch (RuntimeException | Error e) {
        thrown = e;
      }
    }
  }

  @Override
  Request request(long requestOffsetBytes, long requestLengthBytes) {
    return new ReadRequest(
        this, flags, requestOffsetBytes, requestLengthBytes, new ListenerContent(this));
  }

  @Override
  @Nullable Void result() {
    synchronized (telling) {
      Operation.rethrow(thrown);
    }
    return null;
  }
}
