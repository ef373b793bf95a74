package io.nbdvault.nbd.server;

import io.netty.channel.Channel;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Notices a client that does not read its replies, or does not end a request that it has begun. A
 * client that is idle is no such client. Used on its event loop only.
 */
final class StallWatch {
  private static final int CHECKS_PER_LIMIT = 4;

  private final Channel channel;
  private final long limitNanos;
  private int repliesQueued;
  private long replySinceNanos;
  private boolean isWaiting;
  private long waitingSinceNanos;
  private @Nullable ScheduledFuture<?> check;

  StallWatch(Channel channel, int limitMillis) {
    this.channel = channel;
    this.limitNanos = TimeUnit.MILLISECONDS.toNanos(limitMillis);
  }

  /** Begins to look; tells why a client stalls. */
  void start(Consumer<String> whenStalled) {
    long period = Math.max(limitNanos / CHECKS_PER_LIMIT, 1);
    check =
        channel
            .eventLoop()
            .scheduleWithFixedDelay(() -> check(whenStalled), period, period, TimeUnit.NANOSECONDS);
  }

  private void check(Consumer<String> whenStalled) {
    long now = System.nanoTime();
    if (repliesQueued > 0 && now - replySinceNanos > limitNanos) {
      whenStalled.accept("the client does not read its replies");
    } else if (isWaiting && now - waitingSinceNanos > limitNanos) {
      whenStalled.accept("the client does not end its request");
    }
  }

  void stop() {
    if (check != null) {
      check.cancel(false);
      check = null;
    }
  }

  /** A reply waits to be sent. */
  void replyQueued() {
    if (repliesQueued++ == 0) {
      replySinceNanos = System.nanoTime();
    }
  }

  /** The kernel has taken a reply; the next has its own time. */
  void replySent() {
    repliesQueued--;
    replySinceNanos = System.nanoTime();
  }

  /** Says whether the next byte of a request that has begun is the client's to send. */
  void waitingForClient(boolean isIncomplete) {
    if (isIncomplete && !isWaiting) {
      waitingSinceNanos = System.nanoTime();
    }
    isWaiting = isIncomplete;
  }
}
