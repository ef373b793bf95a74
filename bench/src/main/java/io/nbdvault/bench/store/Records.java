package io.nbdvault.bench.store;

import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskRoot;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Snapshot records with one disk. */
public final class Records {
  /** The name of the disk. */
  public static final String DISK = "vda";

  private Records() {}

  /**
   * Makes a record.
   *
   * @param generation orders the snapshots of a VM by time
   */
  public static SnapshotRecord of(
      SnapshotId id,
      String vm,
      int generation,
      Optional<SnapshotId> parent,
      long sizeBytes,
      DiskRoot root) {
    DiskRecord disk =
        new DiskRecord(
            DISK,
            sizeBytes,
            "raw",
            root.root(),
            Optional.empty(),
            new DiskStatistics(0, 0, 0, 0, 0, 0, root.nodeBytesStored()),
            parent.isPresent(),
            Optional.empty());
    return new SnapshotRecord(
        id,
        vm,
        Optional.empty(),
        Instant.ofEpochSecond(generation),
        Consistency.CRASH,
        parent,
        List.of(disk),
        List.of(),
        new SnapshotStatistics(Duration.ZERO),
        new TreeMap<>(),
        Optional.empty(),
        Optional.empty());
  }
}
