package io.nbdvault.cli.render;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.ChunkId;
import io.nbdvault.chunkstore.Consistency;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.DiskStatistics;
import io.nbdvault.chunkstore.SkippedDisk;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.chunkstore.SnapshotStatistics;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Snapshots to be shown: an ordinary one, and one with everything as long as it may be. */
final class SampleSnapshots {
  static final ZoneId ZONE = ZoneOffset.ofHours(1);
  static final Instant TIME = Instant.parse("2026-01-31T02:00:00.123Z");
  static final SnapshotId ID = new SnapshotId("1a2b3c4d5e6f708192a3b4c5d6e7f809");
  static final SnapshotId PARENT = new SnapshotId("00112233445566778899aabbccddeeff");

  private SampleSnapshots() {}

  /** As the catalog has it, with nothing decided about it. */
  static CatalogEntry kept(SnapshotRecord snapshot) {
    return new CatalogEntry(snapshot, SnapshotState.KEPT);
  }

  /** Two disks, one read in full, one by its changes; a third was left out. */
  static SnapshotRecord ordinary() {
    return ordinary(TIME);
  }

  static SnapshotRecord ordinary(Instant time) {
    return new SnapshotRecord(
        ID,
        "web1",
        Optional.of("b1f6f0aa-7a38-4f8e-9d61-6a3f4c9e0c11"),
        time,
        Consistency.CRASH,
        Optional.of(PARENT),
        List.of(
            new DiskRecord(
                "vda",
                10L << 30,
                "qcow2",
                new ChunkId(1, 2, 3, 4),
                Optional.of(
                    new Checkpoint("nbdvault-cp", 65536, true, List.of("/vm/a.qcow2"), none())),
                new DiskStatistics(10 << 20, 12 << 20, 2 << 20, 4 << 20, 4 << 20, 2 << 20, 4096),
                true,
                none()),
            new DiskRecord(
                "vdb",
                1L << 30,
                "raw",
                ChunkId.ZERO,
                none(),
                new DiskStatistics(1 << 20, 1 << 20, 1 << 20, 0, 0, 0, 0),
                false,
                Optional.of("no bitmap of the last snapshot"))),
        List.of(new SkippedDisk("cd0", "read-only")),
        new SnapshotStatistics(Duration.ofMillis(12_345)),
        new TreeMap<>(Map.of("reason", "nightly")),
        Optional.of("7.2.0"),
        Optional.of("{\"machine\":{\"type\":\"q35\"}}"));
  }

  /** What nothing may make wider than 80 columns. */
  static SnapshotRecord extreme() {
    String name = "n".repeat(200);
    DiskStatistics statistics = new DiskStatistics(1023L << 50, 1L << 50, 1, 1, 1, 1, 1);
    return new SnapshotRecord(
        ID,
        "m".repeat(200),
        none(),
        TIME,
        Consistency.FILESYSTEM,
        none(),
        List.of(
            new DiskRecord(
                name,
                1023L << 50,
                "raw",
                ChunkId.ZERO,
                none(),
                statistics,
                false,
                Optional.of("r".repeat(300)))),
        List.of(),
        new SnapshotStatistics(Duration.ofHours(1000)),
        new TreeMap<>(Map.of("k".repeat(100), "line\nbreak")),
        none(),
        none());
  }

  private static <T> Optional<T> none() {
    return Optional.empty();
  }
}
