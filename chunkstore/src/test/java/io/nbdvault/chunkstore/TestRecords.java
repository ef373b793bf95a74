package io.nbdvault.chunkstore;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Snapshot records with nothing in them but what a test is about. */
public final class TestRecords {
  /** A time that is the same in every run. */
  public static final Instant TIME = Instant.parse("2026-11-01T12:00:00Z");

  private TestRecords() {}

  /** A snapshot of a VM called {@code vm}. */
  public static SnapshotRecord snapshot(SnapshotId id, Instant time, DiskRecord... disks) {
    return new SnapshotRecord(
        id,
        "vm",
        Optional.empty(),
        time,
        Consistency.CRASH,
        Optional.empty(),
        List.of(disks),
        List.of(),
        new SnapshotStatistics(Duration.ZERO),
        new TreeMap<>(),
        Optional.empty(),
        Optional.empty());
  }

  /** A disk that was read in full. */
  public static DiskRecord disk(String name, long sizeBytes, ChunkId root) {
    return new DiskRecord(
        name,
        sizeBytes,
        "raw",
        root,
        Optional.empty(),
        new DiskStatistics(0, 0, 0, 0, 0, 0, 0),
        false,
        Optional.empty());
  }
}
