package io.nbdvault.engine.qemu;

import io.nbdvault.engine.Cancellation;
import io.nbdvault.engine.EngineLimits;
import io.nbdvault.engine.JobException;
import io.nbdvault.qmp.QmpClient;
import io.nbdvault.qmp.QmpEvent;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpSubscription;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Watches over the guest while its old data goes to scratch files. When one of them has no room for
 * more, or fails otherwise, QEMU fails the guest's write and by default pauses the guest, while the
 * job still says that it is running. So the jobs are cancelled at once and the guest is continued:
 * its write is tried again, without the filter, and it never sees an error. Before it comes to
 * that, the jobs are cancelled when the free space falls to a floor.
 *
 * <p>Events are only taken note of on QMP's thread; what is done about them is done on this class's
 * own thread, {@code guest-watch}.
 */
final class GuestWatch implements AutoCloseable {
  static final String QEMU_ENDED = "QEMU ended, or closed its QMP session";

  private final QemuCleaner cleaner;
  private final EngineLimits limits;
  private final Cancellation cancellation;
  private final List<ScratchFile> scratch;
  private final ScheduledExecutorService thread;

  /** Once: a guest whose own image cannot be written must not be continued again and again. */
  private final AtomicBoolean rescued = new AtomicBoolean();

  private final QmpSubscription subscription;

  private GuestWatch(
      QmpClient client,
      QemuCleaner cleaner,
      EngineLimits limits,
      Cancellation cancellation,
      List<ScratchFile> scratch) {
    this.cleaner = cleaner;
    this.limits = limits;
    this.cancellation = cancellation;
    this.scratch = List.copyOf(scratch);
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread created = new Thread(task, "guest-watch");
              created.setDaemon(true);
              return created;
            });
    this.subscription = client.onEvent(this::onEvent);
  }

  static GuestWatch start(
      QmpClient client,
      QemuCleaner cleaner,
      EngineLimits limits,
      Cancellation cancellation,
      List<ScratchFile> scratch) {
    GuestWatch watch = new GuestWatch(client, cleaner, limits, cancellation, scratch);
    long interval = limits.scratchPollInterval().toMillis();
    var poll =
        watch.thread.scheduleWithFixedDelay(
            watch::checkSpace, interval, interval, TimeUnit.MILLISECONDS);
    cancellation.onCancel(() -> poll.cancel(false));
    var unused =
        client
            .closed()
            .whenComplete((nothing, failure) -> cancellation.fail(JobException.failed(QEMU_ENDED)));
    return watch;
  }

  private void onEvent(QmpEvent event) {
    switch (event.name()) {
      case "BLOCK_IO_ERROR" -> {
        boolean write = event.data().path("operation").asText().equals("write");
        if (write && rescued.compareAndSet(false, true)) {
          boolean noSpace = event.data().path("nospace").asBoolean(false);
          execute(() -> rescue(noSpace));
        }
      }
      case "BLOCK_JOB_ERROR", "BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED" -> {
        String job = event.data().path("device").asText();
        if (RunNames.isOurs(job)) {
          cancellation.fail(
              JobException.failed(
                  "the point in time was lost: job " + job + " reported " + event.name()));
        }
      }
      default -> {
        // Events that do not concern a backup.
      }
    }
  }

  private void execute(Runnable step) {
    try {
      thread.execute(step);
    } catch (RejectedExecutionException closing) {
      // The run is over and its jobs are being cancelled anyway.
    }
  }

  private void checkSpace() {
    for (ScratchFile file : scratch) {
      try {
        long free = file.freeBytes();
        if (free < limits.scratchFreeBytesMin()) {
          cancellation.fail(
              JobException.failed(
                  "scratch space for "
                      + file.path()
                      + " is down to "
                      + (free >> 20)
                      + " MiB: the backup was cancelled before the guest could be hurt (a larger"
                      + " filesystem can be named with --scratch)"));
          cancelJobs();
        }
      } catch (IOException e) {
        cancellation.fail(JobException.failed("scratch space cannot be watched", e));
        cancelJobs();
      }
    }
  }

  private void rescue(boolean noSpace) {
    cancellation.fail(
        JobException.failed(
            noSpace
                ? "scratch space ran out and the guest was paused: the backup was cancelled and the"
                    + " guest continued (a larger filesystem can be named with --scratch)"
                : "a write of the guest failed during the backup, which was cancelled: the scratch"
                    + " file or the disk itself cannot be written"));
    cancelJobs();
    try {
      cleaner.continueAfterError();
    } catch (QmpException e) {
      cancellation.fail(JobException.failed("the guest cannot be continued", e));
    }
  }

  private void cancelJobs() {
    try {
      cleaner.cancelJobs();
    } catch (QmpException | JobException e) {
      // The teardown tries again, and reports it if it fails too.
      cancellation.fail(JobException.failed("our jobs cannot be cancelled", e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops watching; a rescue that has begun is waited for. */
  @Override
  public void close() {
    subscription.close();
    thread.shutdown();
    try {
      if (!thread.awaitTermination(limits.teardownTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
