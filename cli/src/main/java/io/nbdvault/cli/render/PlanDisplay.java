package io.nbdvault.cli.render;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import io.nbdvault.engine.JobListener;
import io.nbdvault.engine.backup.BackupAllJob;
import io.nbdvault.engine.backup.BackupOutcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Shows several backups that run at once: each as it would be shown alone, with the VM's name, and
 * one progress line for all. Any thread.
 */
public final class PlanDisplay implements BackupAllJob.Observer, AutoCloseable {
  /** How a command shows what happens in it. */
  public interface Style {
    /** What shows the events of one VM. Its calls do not overlap those for another VM. */
    JobDisplay display(String vm);

    /** What shows the events of the collection beside the backups. */
    JobDisplay collection();

    /** What shows the events of a restore beside the backups. */
    JobDisplay restore(String target);

    /** Sums the collection up. */
    void collected(CollectReport report);

    /** Tells that the collection failed. */
    void collectionFailed(Throwable failure);

    /** Tells that a restore failed. */
    void restoreFailed(String target, Throwable failure);

    /** Tells that the backup of a VM failed. */
    void failed(String vm, Throwable failure);

    /** Sums up. */
    void summary(int backedUp, int failed, Duration took);
  }

  /** No VM is named so: names of VMs have no slash. */
  private static final String RESTORE = "restore/";

  private final Style style;
  private final @Nullable ProgressLine progress;

  @GuardedBy("this")
  private final Map<String, JobDisplay> displays = new HashMap<>();

  @GuardedBy("this")
  private final Map<String, JobEvent.Progress> steps = new HashMap<>();

  /**
   * @param progress where there is a terminal to draw one line for all on
   */
  public PlanDisplay(Style style, @Nullable ProgressLine progress) {
    this.style = style;
    this.progress = progress;
  }

  @Override
  public synchronized JobListener listener(String vm) {
    displays.put(vm, style.display(vm));
    return event -> onEvent(vm, event);
  }

  /** Who hears the events of the collection beside the backups. */
  public JobListener collectionListener() {
    JobDisplay display = style.collection();
    return event -> onCollection(display, event);
  }

  private synchronized void onCollection(JobDisplay display, JobEvent event) {
    // One line is drawn for all: the backups and restores have it while they run.
    if (!(event instanceof JobEvent.PhaseProgress && progress != null && !displays.isEmpty())) {
      display.onEvent(event);
    }
  }

  /** The collection has ended. */
  public synchronized void collected(CollectReport report) {
    clearProgress();
    style.collected(report);
  }

  /** The collection has failed. */
  public synchronized void collectionFailed(Throwable failure) {
    clearProgress();
    style.collectionFailed(failure);
  }

  /** Who hears the events of a restore. */
  public synchronized JobListener restoreListener(String target) {
    String key = RESTORE + target;
    displays.put(key, style.restore(target));
    return event -> onEvent(key, event);
  }

  /** A restore has ended; no event of it follows. */
  public synchronized void restored(String target, SnapshotRecord snapshot, Duration took) {
    clearProgress();
    JobDisplay display = Objects.requireNonNull(displays.remove(RESTORE + target), target);
    display.restored(snapshot, took);
    display.close();
  }

  /** A restore has failed; no event of it follows. */
  public synchronized void restoreFailed(String target, Throwable failure) {
    clearProgress();
    Objects.requireNonNull(displays.remove(RESTORE + target), target).close();
    style.restoreFailed(target, failure);
  }

  private synchronized void onEvent(String vm, JobEvent event) {
    if (event instanceof JobEvent.Progress step && progress != null) {
      steps.put(vm, step);
      progress.draw(sum());
      return;
    }
    Objects.requireNonNull(displays.get(vm), vm).onEvent(event);
  }

  @GuardedBy("this")
  private JobEvent.Progress sum() {
    long done = 0;
    long expected = 0;
    long newBytes = 0;
    long duplicateBytes = 0;
    for (JobEvent.Progress step : steps.values()) {
      done += step.doneBytes();
      expected += step.expectedBytes();
      newBytes += step.newBytes();
      duplicateBytes += step.duplicateBytes();
    }
    return new JobEvent.Progress(done, expected, newBytes, duplicateBytes);
  }

  @Override
  public synchronized void ended(BackupOutcome outcome) {
    clearProgress();
    JobDisplay display = displays.remove(outcome.vm());
    if (display != null) {
      display.close();
    }
    outcome.failure().ifPresent(failure -> style.failed(outcome.vm(), failure));
  }

  /** Sums up once all have ended. */
  public synchronized void allEnded(List<BackupOutcome> outcomes, Duration took) {
    clearProgress();
    int failed = (int) outcomes.stream().filter(o -> o.failure().isPresent()).count();
    int backedUp = (int) outcomes.stream().filter(o -> o.snapshot().isPresent()).count();
    style.summary(backedUp, failed, took);
  }

  @GuardedBy("this")
  private void clearProgress() {
    if (progress != null) {
      progress.clear();
    }
  }

  @Override
  public synchronized void close() {
    clearProgress();
  }
}
