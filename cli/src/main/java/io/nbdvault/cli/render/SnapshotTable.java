package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.Table.Column;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Snapshots as a table, one a line, within 80 columns. */
public final class SnapshotTable {
  private static final int VM_WIDTH_MIN = 5;
  private static final int TAGS_WIDTH_MIN = 4;

  private SnapshotTable() {}

  /**
   * The header and a line for each snapshot, in the order given. What was decided about snapshots
   * has a column where there is something of the kind.
   */
  public static List<String> lines(List<CatalogEntry> entries, ZoneId zone) {
    boolean states = entries.stream().anyMatch(entry -> !state(entry).isEmpty());
    TimeColumn time =
        new TimeColumn("TIME", entries.stream().map(entry -> entry.record().time()).toList(), zone);
    Table table = new Table(columns(time, states).toArray(new Column[0]));
    for (CatalogEntry entry : entries) {
      List<String> cells = new ArrayList<>(cells(entry.record(), time));
      if (states) {
        cells.add(1, state(entry));
      }
      table.row(cells.toArray(new String[0]));
    }
    return table.lines();
  }

  private static List<Column> columns(TimeColumn time, boolean states) {
    List<Column> columns =
        new ArrayList<>(
            List.of(
                Column.text("ID"),
                Column.flexible("VM", VM_WIDTH_MIN),
                Column.text(time.header()),
                Column.number("DISKS"),
                Column.number("SIZE"),
                Column.number("READ"),
                Column.number("NEW"),
                Column.text("STATE"),
                Column.flexible("TAGS", TAGS_WIDTH_MIN)));
    if (states) {
      columns.add(1, Column.text("P"));
    }
    return columns;
  }

  private static List<String> cells(SnapshotRecord snapshot, TimeColumn time) {
    DiskStatistics total = Totals.of(snapshot);
    return List.of(
        snapshot.id().shortForm(),
        snapshot.vm(),
        time.cell(snapshot.time()),
        Integer.toString(snapshot.disks().size()),
        Amounts.bytes(Totals.sizeBytes(snapshot)),
        Amounts.bytes(total.readBytes()),
        Amounts.bytes(total.newBytes()),
        consistency(snapshot.consistency()),
        tags(snapshot));
  }

  /** One letter: there is no room for more. */
  private static String state(CatalogEntry entry) {
    if (entry.state().isProtected()) {
      return "P";
    }
    if (entry.state().condemned()) {
      return "C";
    }
    return entry.isKept() ? "" : "F";
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
