package io.nbdvault.engine.serve.overlay;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A file of a fixed length. What was written before {@link #force} was called is durable when that
 * returns; of everything written since, any part may be there after a power cut, in any order.
 */
interface DurableFile extends AutoCloseable {
  /** Fills {@code destination}; what was never written is zero. */
  void read(long positionBytes, ByteBuffer destination) throws IOException;

  /** Writes all of {@code source}. */
  void write(long positionBytes, ByteBuffer source) throws IOException;

  /** Makes what was written durable. After a failure nothing is known any more. */
  void force() throws IOException;

  @Override
  void close() throws IOException;
}
