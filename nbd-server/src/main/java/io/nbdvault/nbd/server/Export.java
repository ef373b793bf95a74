package io.nbdvault.nbd.server;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A block device that one connection has entered.
 *
 * <p>All methods may block; the server calls them on its workers, several at once, and only with
 * ranges that lie within the device, are aligned to its minimum block size and at least one byte
 * long. Requests that overlap and are in flight together may take effect in any order. An {@link
 * ExportException} says which error the client gets; any other {@link IOException} becomes {@code
 * EIO}. A failure concerns its own request only.
 */
public interface Export extends AutoCloseable {
  /** What it is; never changes. */
  ExportInfo info();

  /**
   * Reads a range into the sink, on the caller's thread, before it returns.
   *
   * @throws IOException if some of it cannot be read; what the sink was given until then is dropped
   */
  void read(long offsetBytes, int lengthBytes, ReadSink sink) throws IOException;

  /**
   * Shows the extents of a range in one metadata context, ascending and without gaps, beginning at
   * the offset. Neighbours should differ. The last one may reach past the range; it may also end
   * before the range does, as long as at least one was shown.
   *
   * @param context one of those that the provider named
   */
  void extents(String context, long offsetBytes, long lengthBytes, ExtentVisitor visitor)
      throws IOException;

  /**
   * Writes all of {@code source}, which is borrowed until this returns. Visible to every read that
   * begins after this has returned; durable after the next {@link #flush}.
   *
   * @param isDurable whether it must be durable when this returns ({@code NBD_CMD_FLAG_FUA})
   */
  void write(long offsetBytes, ByteBuffer source, boolean isDurable) throws IOException;

  /**
   * Makes a range read as zeroes.
   *
   * @param mayPunchHole whether its space may be given back
   * @param isDurable as with {@link #write}
   */
  void zero(long offsetBytes, long lengthBytes, boolean mayPunchHole, boolean isDurable)
      throws IOException;

  /** Says that a range's content is of no more use; it reads as anything until it is written. */
  void trim(long offsetBytes, long lengthBytes, boolean isDurable) throws IOException;

  /** Makes everything durable whose write has returned, by whatever connection it came. */
  void flush() throws IOException;

  /** Ends it, once the connection has gone and no method of it runs any more. */
  @Override
  void close();

  /** Gets the content of a read, from its beginning to its end, without gaps. */
  interface ReadSink {
    /** Gets the next bytes, all that {@code bytes} has left; borrowed until this returns. */
    void data(ByteBuffer bytes);

    /** Gets a run of zeroes. */
    void hole(long lengthBytes);
  }

  /** Is shown extents. */
  interface ExtentVisitor {
    /**
     * Is shown the next extent.
     *
     * @param lengthBytes at least 1
     * @param flags what they mean depends on the context; 32 bits
     * @return whether to go on
     */
    boolean extent(long lengthBytes, long flags);
  }
}
