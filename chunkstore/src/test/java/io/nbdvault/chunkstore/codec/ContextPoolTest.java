package io.nbdvault.chunkstore.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ContextPoolTest {
  private final AtomicInteger made = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final ContextPool<Context> pool = new ContextPool<>(3, Context::new);

  /** Notices being used by two at once, or after its end. */
  private final class Context implements AutoCloseable {
    private final AtomicInteger users = new AtomicInteger();

    Context() {
      made.incrementAndGet();
    }

    int use() {
      int before = users.getAndIncrement();
      Thread.onSpinWait();
      users.decrementAndGet();
      return before;
    }

    @Override
    public void close() {
      users.set(1000);
      closed.incrementAndGet();
    }
  }

  @Test
  void makesNoMoreContextsThanItsBoundAndNeverSharesOne() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(12);
    try {
      List<Future<Integer>> uses = new ArrayList<>();
      for (int i = 0; i < 5_000; i++) {
        uses.add(threads.submit(() -> pool.use(Context::use)));
      }
      for (Future<Integer> use : uses) {
        assertThat(use.get()).isZero();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(made).hasValueBetween(1, 3);
    assertThat(pool.idleCount()).isEqualTo(made.get());
    assertThat(closed).hasValue(0);
  }

  @Test
  void closesAContextThatFailedAndGoesOnWithAnother() {
    for (int i = 0; i < 10; i++) {
      assertThatThrownBy(() -> pool.use(context -> failing()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("failed");
    }
    assertThat(closed).hasValue(10);
    assertThat(pool.idleCount()).isZero();
    assertThat(pool.use(Context::use)).isZero();
  }

  @Test
  void keepsThePlaceOfAContextThatCouldNotBeMade() {
    ContextPool<Context> failing =
        new ContextPool<>(
            1,
            () -> {
              throw new IllegalStateException("no memory");
            });
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> failing.use(Context::use)).hasMessage("no memory");
    }
  }

  private static int failing() {
    throw new IllegalStateException("failed");
  }
}
