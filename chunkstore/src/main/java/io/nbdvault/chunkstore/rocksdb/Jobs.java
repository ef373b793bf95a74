package io.nbdvault.chunkstore.rocksdb;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/**
 * The long jobs of a store, which run on the threads of those who asked for them. Closing the store
 * interrupts them and waits until they have ended, so that none meets a store that is half closed.
 */
final class Jobs {
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Set<Job> running = new HashSet<>();

  @GuardedBy("lock")
  private boolean stopped;

  /** What a job does. */
  @FunctionalInterface
  interface Work<T, E extends Exception> {
    T run() throws E;
  }

  /** A job that runs on the thread that made it. */
  private static final class Job {
    private final Thread thread = Thread.currentThread();
    private boolean interrupted;
  }

  /**
   * Does a job on this thread.
   *
   * @throws IllegalStateException if no job may begin any more
   */
  <T, E extends Exception> T run(Work<T, E> work) throws E {
    Job job = new Job();
    synchronized (lock) {
      if (stopped) {
        throw new IllegalStateException("the store is closed");
      }
      running.add(job);
    }
    try {
      return work.run();
    } finally {
      end(job);
    }
  }

  /** What comes next on the job's thread is not to be interrupted by us. */
  private void end(Job job) {
    synchronized (lock) {
      running.remove(job);
      if (job.interrupted) {
        boolean unused = Thread.interrupted();
      }
      lock.notifyAll();
    }
  }

  /**
   * Lets no job begin any more, interrupts those that run, and waits for them. One that runs on
   * this very thread, whose listener is closing the store, is only interrupted.
   *
   * @return whether all others have ended
   */
  boolean stop(Duration max) {
    long deadline = System.nanoTime() + max.toNanos();
    boolean interruptedHere = false;
    synchronized (lock) {
      stopped = true;
      for (Job job : running) {
        job.interrupted = true;
        job.thread.interrupt();
      }
      while (hasOthers() && System.nanoTime() < deadline) {
        try {
          lock.wait(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
        } catch (InterruptedException e) {
          // The store must be closed all the same; the interrupt is passed on after that.
          interruptedHere = true;
        }
      }
      if (interruptedHere) {
        Thread.currentThread().interrupt();
      }
      return !hasOthers();
    }
  }

  @GuardedBy("lock")
  private boolean hasOthers() {
    return running.stream().anyMatch(job -> job.thread != Thread.currentThread());
  }
}
