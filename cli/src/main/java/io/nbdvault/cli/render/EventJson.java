package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.JobEvent;

/** What a job tells, as JSON; {@code docs/JSON.md} describes each event. */
final class EventJson {
  private EventJson() {}

  static ObjectNode of(JobEvent event) {
    if (event instanceof JobEvent.Started started) {
      return JsonLines.event("started").put("job", started.job()).put("subject", started.subject());
    }
    if (event instanceof JobEvent.PointInTime point) {
      return JsonLines.event("point-in-time")
          .put("time", point.time().toString())
          .put("disks", point.disks())
          .put("consistency", SnapshotTable.consistency(point.consistency()));
    }
    if (event instanceof JobEvent.DiskStarted disk) {
      ObjectNode json =
          JsonLines.event("disk-started")
              .put("disk", disk.disk())
              .put("sizeBytes", disk.sizeBytes())
              .put("incremental", disk.incremental());
      disk.fullReason().ifPresent(reason -> json.put("fullReason", reason));
      return json;
    }
    if (event instanceof JobEvent.DiskSkipped disk) {
      return JsonLines.event("disk-skipped").put("disk", disk.disk()).put("reason", disk.reason());
    }
    return ofOutcome(event);
  }

  private static ObjectNode ofOutcome(JobEvent event) {
    if (event instanceof JobEvent.Progress progress) {
      return JsonLines.event("progress")
          .put("doneBytes", progress.doneBytes())
          .put("expectedBytes", progress.expectedBytes())
          .put("newBytes", progress.newBytes())
          .put("duplicateBytes", progress.duplicateBytes());
    }
    if (event instanceof JobEvent.PhaseProgress step) {
      ObjectNode json =
          JsonLines.event("phase").put("phase", step.phase()).put("done", step.done());
      return step.expected() == 0 ? json : json.put("expected", step.expected());
    }
    if (event instanceof JobEvent.Warning warning) {
      return JsonLines.event("warning").put("message", warning.message());
    }
    if (event instanceof JobEvent.Committed committed) {
      return JsonLines.event("committed")
          .put("snapshot", committed.snapshot().id().hex())
          .put("vm", committed.snapshot().vm())
          .put("time", committed.snapshot().time().toString());
    }
    if (event instanceof JobEvent.Restored restored) {
      ObjectNode json = JsonLines.event("restored").put("disk", restored.disk());
      putOutcome(json, restored);
      return json;
    }
    if (event instanceof JobEvent.Lost lost) {
      return VerifyJson.of(lost.range());
    }
    if (event instanceof JobEvent.Removed removed) {
      return JsonLines.event("removed").put("kind", removed.kind()).put("name", removed.name());
    }
    throw new IllegalStateException("no JSON for " + event);
  }

  /** What has become of a disk that was restored. */
  static void putOutcome(ObjectNode json, JobEvent.Restored disk) {
    json.put("target", disk.target())
        .put("sizeBytes", disk.sizeBytes())
        .put("dataBytes", disk.dataBytes());
    disk.difference()
        .ifPresent(
            difference ->
                json.putObject("difference")
                    .put("readBytes", difference.readBytes())
                    .put("equalBytes", difference.equalBytes())
                    .put("writtenBytes", difference.writtenBytes())
                    .put("zeroedBytes", difference.zeroedBytes()));
  }
}
