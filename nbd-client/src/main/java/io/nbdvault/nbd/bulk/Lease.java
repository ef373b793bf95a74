package io.nbdvault.nbd.bulk;

/**
 * One of a bulk read's places, held by its sink from delivery to {@link #close}. As long as all
 * places are held, nothing more is read: that is the back-pressure. The protocol has none of its
 * own but to send no further request (proto.md, "Request message").
 */
public interface Lease extends AutoCloseable {
  /** Gives the place back. On any thread; does not block; the second call does nothing. */
  @Override
  void close();
}
