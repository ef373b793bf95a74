package io.nbdvault.nbd.bulk;

import java.nio.ByteBuffer;

/**
 * Delivered data, in a buffer that belongs to the sink until it closes the lease. Only replies that
 * are whole and without an error are delivered (proto.md, "NBD_CMD_READ").
 */
public interface DataLease extends Lease {
  /**
   * What was read, from position to limit, at least one byte; direct, and writable, so that it can
   * be transformed in place. The same object at each call. It must not be touched after {@link
   * #close}: the next data goes there.
   */
  ByteBuffer buffer();
}
