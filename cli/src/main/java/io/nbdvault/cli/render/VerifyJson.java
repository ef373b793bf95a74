package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.DamagedRange;
import io.nbdvault.chunkstore.VerifyOptions;
import io.nbdvault.chunkstore.VerifyReport;
import io.nbdvault.engine.maintenance.VerifyRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What a verification found, for programs; {@code docs/JSON.md} describes each object. */
public final class VerifyJson {
  private VerifyJson() {}

  /** An object for everything that is damaged, and a summary. */
  public static List<ObjectNode> objects(
      VerifyReport report, VerifyRequest request, Duration took) {
    List<ObjectNode> objects = damage(report);
    objects.add(summary(report, request, took));
    return objects;
  }

  /** An object for everything that is damaged. */
  public static List<ObjectNode> damage(VerifyReport report) {
    List<ObjectNode> objects = new ArrayList<>();
    report.items().forEach(item -> objects.add(of(item)));
    for (DamagedContent content : report.contents()) {
      ObjectNode json =
          JsonLines.event("damaged-content")
              .put("kind", content.isNode() ? "node" : "chunk")
              .put("id", content.id().toString())
              .put("reason", content.reason());
      content.ordinal().ifPresent(ordinal -> json.put("ordinal", ordinal));
      objects.add(json);
    }
    for (DamagedRange range : report.ranges()) {
      objects.add(of(range));
    }
    return objects;
  }

  static ObjectNode of(DamagedRange range) {
    return JsonLines.event("damaged-range")
        .put("snapshot", range.snapshot().hex())
        .put("vm", range.vm())
        .put("disk", range.disk())
        .put("offsetBytes", range.offsetBytes())
        .put("lengthBytes", range.lengthBytes());
  }

  static ObjectNode of(DamagedItem item) {
    return JsonLines.event("damaged-item").put("what", item.what()).put("reason", item.reason());
  }

  /** Adds how much was looked at and how much of it is damaged. */
  static void addCounts(ObjectNode json, VerifyReport report) {
    json.put("snapshots", report.snapshots())
        .put("records", report.records())
        .put("readBytes", report.readBytes())
        .put("damagedItems", report.items().size())
        .put("damagedContents", report.contentsFound())
        .put("unlistedContents", report.unlistedCount())
        .put("damagedRanges", report.rangesFound())
        .put("unlistedRanges", report.rangesFound() - report.ranges().size())
        .put("flagged", report.flagged());
  }

  private static ObjectNode summary(VerifyReport report, VerifyRequest request, Duration took) {
    ObjectNode json = JsonLines.event("summary").put("job", "verify");
    addCounts(json, report);
    json.put("seconds", SnapshotJson.seconds(took));
    if (request.samplePercent() < VerifyOptions.ALL_PERCENT) {
      json.put("samplePercent", request.samplePercent()).put("seed", request.seed());
    }
    return json;
  }
}
