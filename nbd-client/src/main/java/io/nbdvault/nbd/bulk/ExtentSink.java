package io.nbdvault.nbd.bulk;

/**
 * Where a bulk read goes. Each byte of the selection is delivered once, as data or as zeroes, in no
 * particular order, since servers may answer in any (proto.md, "Ordering of messages and writes").
 *
 * <p>Methods are called on the client's I/O threads and must not block. {@link #data} may be called
 * by several of them at once if the client has several connections. What a method throws ends the
 * bulk read with that failure, and counts as if the sink had closed the lease.
 */
public interface ExtentSink {
  /**
   * Data.
   *
   * @param offsetBytes where in the export the lease's first byte is from
   * @param data takes ownership: the sink closes it, on whichever thread, when it needs the buffer
   *     no more
   */
  void data(long offsetBytes, DataLease data);

  /**
   * A run that reads as zeroes, of which nothing was transferred.
   *
   * @param offsetBytes where in the export it begins
   * @param lengthBytes at least 1, possibly far longer than a request
   * @param lease takes ownership, as with data
   */
  void zeroes(long offsetBytes, long lengthBytes, Lease lease);
}
