package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.util.List;
import java.util.function.ToLongFunction;

/** Sums over the disks of a snapshot. */
final class Totals {
  private Totals() {}

  static long sizeBytes(SnapshotRecord snapshot) {
    return snapshot.disks().stream().mapToLong(DiskRecord::sizeBytes).sum();
  }

  static DiskStatistics of(SnapshotRecord snapshot) {
    List<DiskStatistics> all = snapshot.disks().stream().map(DiskRecord::statistics).toList();
    return new DiskStatistics(
        sum(all, DiskStatistics::readBytes),
        sum(all, DiskStatistics::dirtyBytes),
        sum(all, DiskStatistics::zeroBytes),
        sum(all, DiskStatistics::newBytes),
        sum(all, DiskStatistics::duplicateBytes),
        sum(all, DiskStatistics::storedBytes),
        sum(all, DiskStatistics::nodeBytes));
  }

  /** What the repository has grown by: chunks and tree nodes. */
  static long grownBytes(DiskStatistics statistics) {
    return statistics.storedBytes() + statistics.nodeBytes();
  }

  private static long sum(List<DiskStatistics> all, ToLongFunction<DiskStatistics> field) {
    return all.stream().mapToLong(field).sum();
  }
}
