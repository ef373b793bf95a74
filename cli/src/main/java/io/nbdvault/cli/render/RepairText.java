package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepairPlan;
import io.nbdvault.chunkstore.RepairReport;
import io.nbdvault.chunkstore.RepairStep;
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
    if (!report.quarantine().isEmpty()) {
      lines.add("the database as it was lies in " + report.quarantine());
    }
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
