package io.nbdvault.nbd.bulk;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One place on its way through the sink: the leases on a piece's runs, or on a run of zeroes. The
 * place is free again when the last of them is closed.
 */
final class Delivery {
  private final AtomicInteger open;
  private final Runnable closed;

  /**
   * @param closed what to do when the last lease is closed, on that thread
   */
  Delivery(int leases, Runnable closed) {
    this.open = new AtomicInteger(leases);
    this.closed = closed;
  }

  Lease lease() {
    return new ZeroesLease(this);
  }

  DataLease lease(ByteBuffer buffer) {
    return new BufferLease(this, buffer);
  }

  private void leaseClosed() {
    if (open.decrementAndGet() == 0) {
      closed.run();
    }
  }

  /** A lease that is nothing but a place. */
  private static class ZeroesLease implements Lease {
    private final Delivery delivery;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    ZeroesLease(Delivery delivery) {
      this.delivery = delivery;
    }

    @Override
    public final void close() {
      if (isClosed.compareAndSet(false, true)) {
        delivery.leaseClosed();
      }
    }
  }

  private static final class BufferLease extends ZeroesLease implements DataLease {
    private final ByteBuffer buffer;

    BufferLease(Delivery delivery, ByteBuffer buffer) {
      super(delivery);
      this.buffer = buffer;
    }

    @Override
    public ByteBuffer buffer() {
      return buffer;
    }
  }
}
