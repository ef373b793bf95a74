package io.nbdvault.qmp;

/** A registered event listener; closing it removes the listener. */
public interface QmpSubscription extends AutoCloseable {
  /** Removes the listener; an event being delivered at this moment may still reach it. */
  @Override
  void close();
}
