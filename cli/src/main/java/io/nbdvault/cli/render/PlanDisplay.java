package io.nbdvault.cli.render;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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

    /** Tells that the backup of a VM failed. */
    void failed(String vm, Throwable failure);

    /** Sums up. */
    void summary(int backedUp, int failed, Duration took);
  }

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
