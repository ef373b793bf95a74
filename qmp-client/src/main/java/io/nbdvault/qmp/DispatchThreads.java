package io.nbdvault.qmp;

import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** Makes the dispatch thread of one session, and remembers which one it is. */
final class DispatchThreads implements ThreadFactory {
  private volatile @Nullable Thread current;

  @Override
  public Thread newThread(Runnable task) {
    Thread thread = new Thread(task, "qmp-events");
    thread.setDaemon(true);
    current = thread;
    return thread;
  }

  @Nullable Thread current() {
    return current;
  }
}
