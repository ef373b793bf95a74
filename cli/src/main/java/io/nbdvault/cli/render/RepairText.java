package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
import io.nbdvault.chunkstore.SnapshotId;
import java.util.ArrayList;
import java.util.List;

/** What a repair would do or has done, for people. */
public final class RepairText {
  private RepairText() {}

  /** The lines of a plan. */
  public static List<String> plan(RepairPlan plan) {
    List<String> lines = new ArrayList<>(damage(plan));
    if (plan.steps().isEmpty()) {
      lines.add("nothing is to be repaired in the repository's files");
      return lines;
    }
    lines.add("a repair would");
    int number = 1;
    for (RepairStep step : plan.steps()) {
      lines.add("  " + number++ + ". " + step.description());
    }
    lines.add("free space that it needs meanwhile: " + Amounts.bytes(plan.spaceBytes()));
    lines.add("the database as it is now would be kept in the directory quarantine");
    return lines;
  }

  /** The lines of what was done. */
  public static List<String> repaired(RepairReport report) {
    List<String> lines = new ArrayList<>(damage(report.plan()));
    if (report.plan().steps().isEmpty()) {
      lines.add("nothing was to be repaired in the repository's files");
      return lines;
    }
    lines.add(
        "put back: "
            + report.recordsPutBack()
            + " records and "
            + report.rowsPutBack()
            + " other rows; made again: "
            + report.indexRows()
            + " rows of the index");
    if (report.flagged() > 0) {
      lines.add(report.flagged() + " records are lost, and flagged: see below what needs them");
    }
    for (SnapshotId id : report.broughtBack()) {
      lines.add(
          "kept again: snapshot "
              + id.shortForm()
              + ", which was forgotten, and perhaps brought back since");
    }
    for (SnapshotId id : report.protectedAnew()) {
      lines.add(
          "protected: snapshot "
              + id.shortForm()
              + ", because it cannot be told what was decided about it");
    }
    for (DamagedItem item : report.lost()) {
      lines.add(Printable.line("LOST: " + item.what() + ": " + item.reason()));
    }
    if (!report.lost().isEmpty()) {
      lines.add(
          "what was decided about snapshots (protect, forget) may be lost too: look at snapshots;"
              + " gc reclaims nothing until repair --acknowledge");
    }
    if (!report.quarantine().isEmpty()) {
      lines.add("the database as it was lies in " + report.quarantine());
    }
    return lines;
  }

  /** The lines of what was acknowledged. */
  public static List<String> acknowledged(List<String> lost) {
    if (lost.isEmpty()) {
      return List.of("there is nothing to acknowledge");
    }
    List<String> lines = new ArrayList<>();
    lost.forEach(line -> lines.add(Printable.line("given up: " + line)));
    lines.add("gc reclaims again what no snapshot needs");
    return lines;
  }

  private static List<String> damage(RepairPlan plan) {
    List<String> lines = new ArrayList<>();
    for (DamagedItem item : plan.damage()) {
      lines.add(Printable.line("damaged: " + item.what() + ": " + item.reason()));
    }
    return lines;
  }
}
