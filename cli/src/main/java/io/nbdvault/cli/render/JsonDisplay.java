package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.JobEvent;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Shows a job to a program: one JSON object a line on stdout. */
public final class JsonDisplay implements JobDisplay {
  private static final long PROGRESS_INTERVAL_NANOS = 1_000_000_000;

  private final JsonLines lines;
  private final boolean quiet;
  private final LongSupplier nanoTime;
  private final Map<String, String> labels;

  @GuardedBy("this")
  private @Nullable SnapshotRecord committed;

  @GuardedBy("this")
  private final List<JobEvent.Restored> restored = new ArrayList<>();

  @GuardedBy("this")
  private int removed;

  @GuardedBy("this")
  private String phase = "";

  @GuardedBy("this")
  private boolean progressTold;

  @GuardedBy("this")
  private long progressNanos;

  /**
   * @param quiet whether progress is left out
   */
  public JsonDisplay(PrintStream out, boolean quiet) {
    this(out, quiet, System::nanoTime);
  }

  JsonDisplay(PrintStream out, boolean quiet, LongSupplier nanoTime) {
    this(new JsonLines(out), quiet, nanoTime, Map.of());
  }

  /**
   * Shows one of several jobs.
   *
   * @param lines shared by them
   * @param labels fields that each object of an event has
   */
  public JsonDisplay(JsonLines lines, boolean quiet, Map<String, String> labels) {
    this(lines, quiet, System::nanoTime, labels);
  }

  private JsonDisplay(
      JsonLines lines, boolean quiet, LongSupplier nanoTime, Map<String, String> labels) {
    this.lines = lines;
    this.quiet = quiet;
    this.nanoTime = nanoTime;
    this.labels = Map.copyOf(labels);
  }

  @Override
  public synchronized void onEvent(JobEvent event) {
    if (event instanceof JobEvent.Progress && !isProgressDue()) {
      return;
    }
    if (event instanceof JobEvent.PhaseProgress step && !isPhaseDue(step)) {
      return;
    }
    if (event instanceof JobEvent.Committed commit) {
      committed = commit.snapshot();
    } else if (event instanceof JobEvent.Restored disk) {
      restored.add(disk);
    } else if (event instanceof JobEvent.Removed) {
      removed++;
    }
    ObjectNode json = EventJson.of(event);
    labels.forEach(json::put);
    lines.write(json);
  }

  /** Each phase's first step is told, whenever another was told last. */
  @GuardedBy("this")
  private boolean isPhaseDue(JobEvent.PhaseProgress step) {
    if (!step.phase().equals(phase)) {
      phase = step.phase();
      progressTold = false;
    }
    return isProgressDue();
  }

  @GuardedBy("this")
  private boolean isProgressDue() {
    long now = nanoTime.getAsLong();
    if (quiet || (progressTold && now - progressNanos < PROGRESS_INTERVAL_NANOS)) {
      return false;
    }
    progressTold = true;
    progressNanos = now;
    return true;
  }

  @Override
  public synchronized void restored(SnapshotRecord snapshot, Duration took) {
    ObjectNode json =
        JsonLines.event("summary")
            .put("job", "restore")
            .put("snapshot", snapshot.id().hex())
            .put("vm", snapshot.vm())
            .put("time", snapshot.time().toString())
            .put("seconds", SnapshotJson.seconds(took));
    ArrayNode disks = json.putArray("disks");
    for (JobEvent.Restored disk : restored) {
      EventJson.putOutcome(disks.addObject().put("name", disk.disk()), disk);
    }
    lines.write(json);
  }

  @Override
  public synchronized void copied(
      String source, String destination, long sizeBytes, long dataBytes, Duration took) {
    lines.write(
        JsonLines.event("summary")
            .put("job", "copy")
            .put("source", source)
            .put("destination", destination)
            .put("sizeBytes", sizeBytes)
            .put("dataBytes", dataBytes)
            .put("seconds", SnapshotJson.seconds(took)));
  }

  @Override
  public synchronized void cleanedUp(Path qmpSocket) {
    lines.write(
        JsonLines.event("summary")
            .put("job", "cleanup")
            .put("qmp", qmpSocket.toString())
            .put("removed", removed));
  }

  @Override
  public synchronized void close() {
    if (committed != null) {
      lines.write(SnapshotJson.summary(committed));
      committed = null;
    }
  }
}
