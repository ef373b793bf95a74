package io.nbdvault.engine.testkit;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotStatistics;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Snapshots as a repository's catalog would hold them, for unit tests. */
public final class Records {
  private Records() {}

  /** A disk that continues from a persistent bitmap of that name, or from none. */
  public static DiskRecord disk(String name, Optional<String> bitmap) {
    return disk(
        name,
        1 << 20,
        bitmap.map(
            b -> new Checkpoint(b, 65536, true, List.of("/images/" + name), Optional.empty())));
  }

  /** A disk that holds only zeroes. */
  public static DiskRecord disk(String name, long sizeBytes, Optional<Checkpoint> checkpoint) {
    return new DiskRecord(
        name,
        sizeBytes,
        "qcow2",
        ChunkId.ZERO,
        checkpoint,
        new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
        false,
        Optional.empty());
  }

  /** A snapshot taken at that second after the epoch. */
  public static SnapshotRecord snapshot(
      SnapshotId id, String vm, long second, DiskRecord... disks) {
    return new SnapshotRecord(
        id,
        vm,
        Optional.empty(),
        Instant.ofEpochSecond(second),
        Consistency.CRASH,
        Optional.empty(),
        Arrays.asList(disks),
        List.of(),
        new SnapshotStatistics(Duration.ZERO),
        new TreeMap<>(),
        Optional.empty(),
        Optional.empty());
  }
}
