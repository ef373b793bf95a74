package io.nbdvault.cli;

import io.nbdvault.engine.Cancellation;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns SIGINT, SIGTERM and SIGHUP into a cancelled job. The JVM runs its shutdown hooks on these
 * signals while all other threads go on; our hook cancels, and holds the JVM until the main thread
 * has put the guest back, for a bounded time.
 */
final class Interruption {
  /** Each step of putting a guest back has its own deadline; systemd kills after 90 s. */
  private static final long CLEANUP_SECONDS_MAX = 80;

  private final Cancellation cancellation = new Cancellation();
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile int exitCode = ExitCode.INTERRUPTED;

  /** Installs the hook in this JVM; called once. */
  static Interruption install() {
    Interruption interruption = new Interruption();
    Runtime.getRuntime().addShutdownHook(new Thread(interruption::onShutdown, "interruption"));
    return interruption;
  }

  /** What the hook sets. */
  Cancellation cancellation() {
    return cancellation;
  }

  /** The main thread is done: from here on the hook lets the JVM end. */
  void ended(int code) {
    exitCode = code;
    ended.countDown();
  }

  private void onShutdown() {
    if (ended.getCount() == 0) {
      // No signal: the main thread is in System.exit.
      return;
    }
    cancellation.cancel();
    try {
      if (!ended.await(CLEANUP_SECONDS_MAX, TimeUnit.SECONDS)) {
        System.err.println(
            "nbdvault: interrupted, but what was under way did not end; after a backup, run"
                + " nbdvault cleanup");
      }
    } catch (InterruptedException e) {
      // Nobody interrupts this thread; if somebody does, they want the end now.
      Thread.currentThread().interrupt();
    }
    // A job that was done before it noticed is done, whatever the signal was meant to do.
    Runtime.getRuntime().halt(exitCode);
  }
}
