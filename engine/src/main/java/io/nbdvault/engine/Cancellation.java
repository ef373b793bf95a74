package io.nbdvault.engine;

import java.util.concurrent.CompletableFuture;

/**
 * One switch that ends a job: by the user, by a signal, or by the first failure of any part. It is
 * set once; the first cause wins. Any thread may set or ask.
 */
public final class Cancellation {
  private final CompletableFuture<JobException> cause = new CompletableFuture<>();

  /** Asks the job to stop because somebody wants it to. */
  public void cancel() {
    fail(new JobException(JobException.Kind.CANCELLED, "interrupted"));
  }

  /** Asks the job to stop because a part of it failed. */
  public void fail(JobException failure) {
    cause.complete(failure);
  }

  public boolean isCancelled() {
    return cause.isDone();
  }

  /** Throws what the job was stopped for, if it was. */
  public void check() throws JobException {
    JobException failure = cause.getNow(null);
    if (failure != null) {
      throw failure;
    }
  }

  /** Runs {@code action} when the job is stopped, at once if it was already. */
  public void onCancel(Runnable action) {
    var unused = cause.thenRun(action);
  }
}
