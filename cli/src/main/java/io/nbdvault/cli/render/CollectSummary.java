package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.chunkstore.CollectReport;
import io.nbdvault.chunkstore.DamagedItem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What a collection did; {@code docs/JSON.md} describes each field. */
public final class CollectSummary {
  private static final int FILES_MAX = 20;

  private CollectSummary() {}

  /** For people. */
  public static List<String> lines(CollectReport report) {
    List<String> lines = new ArrayList<>();
    if (report.resumed()) {
      lines.add("finished first what an earlier gc had begun");
    }
    lines.add(
        (report.dryRun() ? "would reclaim " : "reclaimed ")
            + plural(report.snapshotsReclaimed(), "forgotten snapshot")
            + "; nothing needs "
            + Amounts.bytes(report.unreachableBytes())
            + " in "
            + plural(report.recordsUnreachable(), "record"));
    if (!report.dryRun() && report.recordsFreed() == 0) {
      lines.add("deleted nothing");
    } else if (!report.dryRun()) {
      lines.add(
          "deleted "
              + Amounts.bytes(report.freedBytes())
              + " in "
              + plural(report.recordsFreed(), "record")
              + "; "
              + returned(report.returnedBytes())
              + ", "
              + Amounts.bytes(report.rewrittenBytes())
              + " rewritten");
    }
    long left = report.recordsUnreachable() - report.recordsFreed();
    if (!report.dryRun() && left > 0) {
      lines.add(
          "left "
              + Amounts.bytes(Math.max(0, report.unreachableBytes() - report.freedBytes()))
              + " in "
              + plural(left, "record")
              + " for a later gc: rewriting what lies beside them costs too much, or there is no"
              + " room for it");
    }
    lines.add(
        "kept "
            + plural(report.chunksLive(), "chunk")
            + " and "
            + plural(report.nodesLive(), "tree node")
            + "; took "
            + Amounts.took(took(report)));
    for (DamagedItem file : first(report.leftOut())) {
      lines.add(Printable.line("left as it is, damaged: " + file.what() + ": " + file.reason()));
    }
    if (report.leftOut().size() > FILES_MAX) {
      lines.add("and " + (report.leftOut().size() - FILES_MAX) + " more: see them with --json");
    }
    if (report.indexLacksRoom()) {
      lines.add("the index was not rewritten: there is no room for half as much again");
    }
    return lines;
  }

  /** What is to be done about files that were left out, in one sentence. */
  public static String advice(CollectReport report) {
    return "damage was found: "
        + plural(report.leftOut().size(), "file")
        + " could not be rewritten, all else is done; see what can be done with: nbdvault repair";
  }

  private static List<DamagedItem> first(List<DamagedItem> files) {
    return files.subList(0, Math.min(FILES_MAX, files.size()));
  }

  /** What is written in the place of small files may be more than they were. */
  private static String returned(long bytes) {
    return bytes < 0
        ? "the files grew by " + Amounts.bytes(-bytes)
        : "the files shrank by " + Amounts.bytes(bytes);
  }

  private static String plural(long count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }

  private static Duration took(CollectReport report) {
    return report.markDuration().plus(report.sweepDuration());
  }

  /** For programs. */
  public static ObjectNode json(CollectReport report) {
    ObjectNode json = summary(report);
    ArrayNode leftOut = json.putArray("leftOut");
    report.leftOut().forEach(file -> leftOut.add(file.what()));
    return json;
  }

  private static ObjectNode summary(CollectReport report) {
    return JsonLines.event("summary")
        .put("job", "gc")
        .put("dryRun", report.dryRun())
        .put("resumed", report.resumed())
        .put("snapshotsReclaimed", report.snapshotsReclaimed())
        .put("chunksLive", report.chunksLive())
        .put("nodesLive", report.nodesLive())
        .put("recordsUnreachable", report.recordsUnreachable())
        .put("unreachableBytes", report.unreachableBytes())
        .put("recordsFreed", report.recordsFreed())
        .put("freedBytes", report.freedBytes())
        .put("returnedBytes", report.returnedBytes())
        .put("rewrittenBytes", report.rewrittenBytes())
        .put("indexLacksRoom", report.indexLacksRoom())
        .put("markSeconds", SnapshotJson.seconds(report.markDuration()))
        .put("sweepSeconds", SnapshotJson.seconds(report.sweepDuration()))
        .put("seconds", SnapshotJson.seconds(took(report)));
  }
}
