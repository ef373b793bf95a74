package io.nbdvault.engine.pipeline;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.JobException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Cancellation cancellation = new Cancellation();

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  private Future<?> leaseElsewhere(ByteBudget budget, long bytes) {
    return threads.submit(
        () -> {
          budget.lease(bytes, cancellation);
          return bytes;
        });
  }

  @Test
  void neverLeasesMoreThanItsCapacityToManyThreads() throws Exception {
    ByteBudget budget = new ByteBudget(100);
    AtomicLong held = new AtomicLong();
    AtomicLong heldMax = new AtomicLong();
    Future<?>[] done = new Future<?>[8];
    for (int thread = 0; thread < done.length; thread++) {
      long bytes = 10 + 10L * thread;
      done[thread] =
          threads.submit(
              () -> {
                for (int i = 0; i < 500; i++) {
                  budget.lease(bytes, cancellation);
                  heldMax.accumulateAndGet(held.addAndGet(bytes), Math::max);
                  held.addAndGet(-bytes);
                  budget.release(bytes);
                }
                return null;
              });
    }
    for (Future<?> one : done) {
      var unused = one.get(30, SECONDS);
    }
    assertThat(heldMax.get()).isBetween(10L, 100L);
    assertThat(budget.leasedBytes()).isZero();
  }

  @Test
  void waitsUntilThereIsRoom() throws Exception {
    ByteBudget budget = new ByteBudget(100);
    budget.lease(60, cancellation);
    Future<?> second = leaseElsewhere(budget, 41);
    assertThatThrownBy(() -> second.get(250, java.util.concurrent.TimeUnit.MILLISECONDS))
        .isInstanceOf(java.util.concurrent.TimeoutException.class);
    budget.release(60);
    var unused = second.get(10, SECONDS);
    assertThat(budget.leasedBytes()).isEqualTo(41);
  }

  @Test
  void grantsALeaseLargerThanItselfWhenNothingElseIsLeased() throws Exception {
    ByteBudget budget = new ByteBudget(100);
    budget.lease(1, cancellation);
    Future<?> large = leaseElsewhere(budget, 1_000);
    assertThatThrownBy(() -> large.get(250, java.util.concurrent.TimeUnit.MILLISECONDS))
        .isInstanceOf(java.util.concurrent.TimeoutException.class);
    budget.release(1);
    var unused = large.get(10, SECONDS);
    assertThat(budget.leasedBytes()).isEqualTo(1_000);
  }

  @Test
  void endsTheWaitWithWhatTheJobWasStoppedFor() throws Exception {
    ByteBudget budget = new ByteBudget(10);
    budget.lease(10, cancellation);
    Future<?> waiting = leaseElsewhere(budget, 1);
    cancellation.fail(JobException.failed("the disk is gone"));
    assertThatThrownBy(() -> waiting.get(10, SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseInstanceOf(JobException.class)
        .hasRootCauseMessage("the disk is gone");
    assertThat(budget.leasedBytes()).as("the waiting one got nothing").isEqualTo(10);
  }

  @Test
  void leasesNothingToAJobThatHasBeenStopped() {
    ByteBudget budget = new ByteBudget(10);
    cancellation.cancel();
    assertThatThrownBy(() -> budget.lease(1, cancellation))
        .isInstanceOfSatisfying(
            JobException.class, e -> assertThat(e.kind()).isEqualTo(JobException.Kind.CANCELLED));
    assertThat(budget.leasedBytes()).isZero();
  }

  @Test
  void refusesToTakeBackMoreThanIsLeased() throws Exception {
    ByteBudget budget = new ByteBudget(10);
    budget.lease(3, cancellation);
    assertThatThrownBy(() -> budget.release(4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("returned 4 bytes of 3 leased");
    assertThatThrownBy(() -> new ByteBudget(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void tellsWhetherEveryLeaseCameBackInTime() throws Exception {
    ByteBudget budget = new ByteBudget(10);
    assertThat(budget.awaitAllReturned(Duration.ZERO)).isTrue();
    budget.lease(10, cancellation);
    assertThat(budget.awaitAllReturned(Duration.ofMillis(20))).isFalse();
    Future<Boolean> waiting = threads.submit(() -> budget.awaitAllReturned(Duration.ofSeconds(30)));
    budget.release(10);
    assertThat(waiting.get(10, SECONDS)).isTrue();
  }
}
