package io.nbdvault.chunkstore.codec;

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Native contexts, of which each serves one thread at a time. There are never more than the pool's
 * bound; who comes when all are in use waits, which costs nothing as long as there are as many as
 * processors. They are kept for the life of the process, the one used last first: a context that
 * belonged to a thread would outlive it, since nothing frees it when the thread ends.
 */
final class ContextPool<C extends AutoCloseable> {
  /** What is done with a context. */
  @FunctionalInterface
  interface Use<C> {
    int with(C context);
  }

  private final Supplier<C> maker;
  private final Semaphore permits;
  private final ConcurrentLinkedDeque<C> idle = new ConcurrentLinkedDeque<>();

  ContextPool(int contextsMax, Supplier<C> maker) {
    this.maker = maker;
    this.permits = new Semaphore(contextsMax);
  }

  /** Uses a context. One that something was thrown with is closed and not used again. */
  int use(Use<C> use) {
    permits.acquireUninterruptibly();
    try {
      C kept = idle.pollFirst();
      C context = kept == null ? maker.get() : kept;
      int result;
      try {
        result = use.with(context);
      } catch (RuntimeException | Error e) {
        close(context, e);
        throw e;
      }
      idle.addFirst(context);
      return result;
    } finally {
      permits.release();
    }
  }

  /** How many contexts wait to be used. */
  int idleCount() {
    return idle.size();
  }

  private static void close(AutoCloseable context, Throwable failure) {
    try {
      context.close();
    } catch (Exception e) {
      failure.addSuppressed(e);
    }
  }
}
