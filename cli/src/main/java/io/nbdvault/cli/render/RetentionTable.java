package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.Table.Column;
import io.nbdvault.engine.retention.KeepReason;
import io.nbdvault.engine.retention.RetentionDecision;
import io.nbdvault.engine.retention.RetentionPlan;
import java.time.ZoneId;
import java.util.List;

/** What a policy says of each snapshot, within 80 columns; each further reason has its own line. */
public final class RetentionTable {
  private static final int VM_WIDTH_MIN = 8;
  private static final int WHY_WIDTH_MIN = 20;

  private RetentionTable() {}

  /** The lines; none if there are no snapshots. */
  public static List<String> lines(RetentionPlan plan, ZoneId zone) {
    if (plan.decisions().isEmpty()) {
      return List.of();
    }
    TimeColumn time =
        new TimeColumn(
            "TIME", plan.decisions().stream().map(d -> d.snapshot().time()).toList(), zone);
    Table table =
        new Table(
            Column.text("ID"),
            Column.flexible("VM", VM_WIDTH_MIN),
            Column.text(time.header()),
            Column.text("DO"),
            Column.flexible("WHY", WHY_WIDTH_MIN));
    plan.decisions().forEach(decision -> addRows(table, decision, time));
    return table.lines();
  }

  private static void addRows(Table table, RetentionDecision decision, TimeColumn time) {
    SnapshotRecord snapshot = decision.snapshot();
    List<String> reasons = decision.reasons().stream().map(KeepReason::text).toList();
    table.row(
        snapshot.id().shortForm(),
        snapshot.vm(),
        time.cell(snapshot.time()),
        decision.kept() ? "keep" : "forget",
        reasons.isEmpty() ? "" : reasons.get(0));
    reasons.stream().skip(1).forEach(reason -> table.row("", "", "", "", reason));
  }
}
