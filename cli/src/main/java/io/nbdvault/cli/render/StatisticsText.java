package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.ContentTotals;
import io.nbdvault.chunkstore.StoreStatistics;
import io.nbdvault.cli.render.Table.Column;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What a repository holds, for people, within 80 columns. */
public final class StatisticsText {
  private static final int VM_WIDTH_MIN = 8;

  private StatisticsText() {}

  /**
   * A table of the VMs, then the sums.
   *
   * @param diskBytes what the repository's files take
   * @param snapshots whether each snapshot has a line too
   */
  public static List<String> lines(StoreStatistics statistics, long diskBytes, boolean snapshots) {
    List<String> lines = new ArrayList<>();
    if (!statistics.vms().isEmpty()) {
      lines.addAll(table(statistics, snapshots).lines());
      lines.add("");
    }
    ContentTotals reachable = statistics.reachable();
    Ratios ratios = Ratios.of(statistics);
    lines.add(
        "needed by snapshots   "
            + Amounts.bytes(reachable.plainBytes())
            + ", stored in "
            + Amounts.bytes(reachable.storedBytes()));
    lines.add("files on disk         " + Amounts.bytes(diskBytes));
    lines.add("deduplication         " + times(ratios.deduplication()));
    lines.add("compression           " + times(ratios.compression()));
    // Both sums are taken while backups may go on.
    long unneeded = Math.max(0, statistics.stored().storedBytes() - reachable.storedBytes());
    lines.add("for gc                " + Amounts.bytes(unneeded) + " that nothing needs");
    if (statistics.missingChunks() > 0) {
      lines.add(
          "missing               "
              + statistics.missingChunks()
              + " chunks: run nbdvault verify, it tells of which disks");
    }
    return lines;
  }

  private static Table table(StoreStatistics statistics, boolean snapshots) {
    Table table =
        new Table(
            Column.flexible("VM", VM_WIDTH_MIN),
            Column.text("SNAPSHOT"),
            Column.number("SIZE"),
            Column.number("DATA"),
            Column.number("ALONE"),
            Column.number("STORED"));
    for (StoreStatistics.Vm vm : statistics.vms()) {
      String count = Integer.toString(vm.snapshots().size());
      addRow(table, vm.name(), "all " + count, sizeBytes(vm), dataBytes(vm), vm.alone());
      if (snapshots) {
        vm.snapshots()
            .forEach(
                snapshot ->
                    addRow(
                        table,
                        vm.name(),
                        snapshot.id().shortForm(),
                        snapshot.sizeBytes(),
                        snapshot.dataBytes(),
                        snapshot.alone()));
      }
    }
    if (statistics.vms().size() > 1) {
      table.row(
          "total",
          "",
          Amounts.bytes(statistics.sizeBytes()),
          Amounts.bytes(statistics.dataBytes()),
          "",
          "");
    }
    return table;
  }

  private static void addRow(
      Table table,
      String vm,
      String snapshot,
      long sizeBytes,
      long dataBytes,
      ContentTotals alone) {
    table.row(
        vm,
        snapshot,
        Amounts.bytes(sizeBytes),
        Amounts.bytes(dataBytes),
        Amounts.bytes(alone.plainBytes()),
        Amounts.bytes(alone.storedBytes()));
  }

  static long sizeBytes(StoreStatistics.Vm vm) {
    return vm.snapshots().stream().mapToLong(StoreStatistics.Snapshot::sizeBytes).sum();
  }

  static long dataBytes(StoreStatistics.Vm vm) {
    return vm.snapshots().stream().mapToLong(StoreStatistics.Snapshot::dataBytes).sum();
  }

  private static String times(OptionalDouble ratio) {
    return ratio.isPresent() ? String.format(Locale.ROOT, "%.2f : 1", ratio.getAsDouble()) : "-";
  }
}
