package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.Table.Column;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Snapshots as a table, one a line, within 80 columns. */
public final class SnapshotTable {
  private static final int VM_WIDTH_MIN = 8;
  private static final int TAGS_WIDTH_MIN = 4;

  private SnapshotTable() {}

  /** The header and a line for each snapshot, in the order given. */
  public static List<String> lines(List<SnapshotRecord> snapshots, ZoneId zone) {
    Table table =
        new Table(
            Column.text("ID"),
            Column.flexible("VM", VM_WIDTH_MIN),
            Column.text("TIME"),
            Column.number("DISKS"),
            Column.number("SIZE"),
            Column.number("READ"),
            Column.number("NEW"),
            Column.text("STATE"),
            Column.flexible("TAGS", TAGS_WIDTH_MIN));
    for (SnapshotRecord snapshot : snapshots) {
      DiskStatistics total = Totals.of(snapshot);
      table.row(
          snapshot.id().shortForm(),
          snapshot.vm(),
          Times.minute(snapshot.time(), zone),
          Integer.toString(snapshot.disks().size()),
          Amounts.bytes(Totals.sizeBytes(snapshot)),
          Amounts.bytes(total.readBytes()),
          Amounts.bytes(total.newBytes()),
          consistency(snapshot.consistency()),
          tags(snapshot));
    }
    return table.lines();
  }

  static String consistency(Consistency consistency) {
    return consistency.name().toLowerCase(Locale.ROOT);
  }

  static String tags(SnapshotRecord snapshot) {
    return snapshot.tags().entrySet().stream()
        .map(tag -> tag.getKey() + "=" + tag.getValue())
        .collect(Collectors.joining(","));
  }
}
