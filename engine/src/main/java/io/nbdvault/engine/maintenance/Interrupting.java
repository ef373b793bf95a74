package io.nbdvault.engine.maintenance;

import io.nbdvault.engine.Cancellation;

/** Interrupts the thread that made this when a job is cancelled, but not once its work is over. */
final class Interrupting {
  private final Thread thread = Thread.currentThread();
  private boolean over;
  private boolean interrupted;

  Interrupting(Cancellation cancellation) {
    cancellation.onCancel(this::interrupt);
  }

  private synchronized void interrupt() {
    if (!over) {
      interrupted = true;
      thread.interrupt();
    }
  }

  /** The work is over. What comes now, closing the store for one, is not to be interrupted. */
  synchronized void end() {
    over = true;
    if (interrupted) {
      boolean unused = Thread.interrupted();
    }
  }
}
