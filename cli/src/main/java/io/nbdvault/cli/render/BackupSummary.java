package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.cli.render.Table.Column;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;

/**
 * What a backup did, within 80 columns: the snapshot, then a line for each disk, then the total.
 */
final class BackupSummary {
  private static final int DISK_WIDTH_MIN = 8;

  private BackupSummary() {}

  static List<String> lines(SnapshotRecord snapshot, ZoneId zone) {
    List<String> lines = new ArrayList<>();
    lines.add(
        Printable.fit(
            "snapshot " + snapshot.id().shortForm() + " of " + Printable.line(snapshot.vm()),
            Table.WIDTH_MAX));
    lines.add(
        Times.second(snapshot.time(), zone)
            + ", "
            + SnapshotDetails.meaning(snapshot.consistency())
            + ", took "
            + Amounts.took(snapshot.statistics().duration()));
    lines.addAll(table(snapshot).lines());
    return lines;
  }

  private static Table table(SnapshotRecord snapshot) {
    Table table =
        new Table(
            Column.flexible("DISK", DISK_WIDTH_MIN),
            Column.text("HOW"),
            Column.number("SIZE"),
            Column.number("READ"),
            Column.number("DIRTY"),
            Column.number("NEW"),
            Column.number("DEDUP"),
            Column.number("STORED"));
    for (DiskRecord disk : snapshot.disks()) {
      addRow(
          table,
          disk.name(),
          disk.incremental() ? "changes" : "full",
          disk.sizeBytes(),
          disk.statistics());
    }
    addRow(table, "total", "", Totals.sizeBytes(snapshot), Totals.of(snapshot));
    return table;
  }

  private static void addRow(
      Table table, String name, String how, long sizeBytes, DiskStatistics statistics) {
    table.row(
        name,
        how,
        Amounts.bytes(sizeBytes),
        Amounts.bytes(statistics.readBytes()),
        Amounts.bytes(statistics.dirtyBytes()),
        Amounts.bytes(statistics.newBytes()),
        Amounts.bytes(statistics.duplicateBytes()),
        Amounts.bytes(Totals.grownBytes(statistics)));
  }
}
