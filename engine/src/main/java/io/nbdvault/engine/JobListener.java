package io.nbdvault.engine;

/** Hears what a job tells. Must return quickly and must not throw. */
@FunctionalInterface
public interface JobListener {
  void onEvent(JobEvent event);

  /** A listener whose calls never overlap, whatever threads events come from. */
  static JobListener serialized(JobListener listener) {
    Object lock = new Object();
    return event -> {
      synchronized (lock) {
        listener.onEvent(event);
      }
    };
  }
}
