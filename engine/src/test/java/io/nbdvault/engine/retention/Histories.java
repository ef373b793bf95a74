package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.chunkstore.SnapshotState;
import io.nbdvault.engine.testkit.Records;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The snapshots of one VM, each committed after the one before. */
final class Histories {
  private final ZoneId zone;
  private final List<CatalogEntry> entries = new ArrayList<>();
  private @Nullable SnapshotId parent;
  private long ids;

  Histories(ZoneId zone) {
    this.zone = zone;
  }

  /** Snapshots at these times: local ones, or with an offset. */
  static Histories of(ZoneId zone, List<String> times) {
    Histories history = new Histories(zone);
    times.forEach(time -> history.add(history.instant(time), Map.of(), false, "vda"));
    return history;
  }

  Instant instant(String time) {
    return time.matches(".*(Z|[+-]\\d\\d:\\d\\d)")
        ? OffsetDateTime.parse(time).toInstant()
        : LocalDateTime.parse(time).atZone(zone).toInstant();
  }

  SnapshotRecord add(Instant time, Map<String, String> tags, boolean isProtected, String... disks) {
    SnapshotId id = new SnapshotId(String.format("%032x", ++ids));
    List<DiskRecord> records = new ArrayList<>();
    for (String disk : disks) {
      records.add(Records.disk(disk, Optional.empty()));
    }
    SnapshotRecord plain =
        Records.snapshot(id, "vm", time.getEpochSecond(), records.toArray(new DiskRecord[0]));
    SnapshotRecord snapshot =
        new SnapshotRecord(
            id,
            plain.vm(),
            plain.vmUuid(),
            time,
            plain.consistency(),
            Optional.ofNullable(parent),
            plain.disks(),
            plain.skipped(),
            plain.statistics(),
            new TreeMap<>(tags),
            plain.qemuVersion(),
            plain.vmConfiguration());
    parent = id;
    entries.add(
        new CatalogEntry(snapshot, new SnapshotState(isProtected, Optional.empty(), false)));
    return snapshot;
  }

  List<CatalogEntry> entries() {
    return List.copyOf(entries);
  }

  RetentionPlan plan(Instant now, KeepRule... rules) {
    return new RetentionPolicy(List.of(rules)).plan(entries, now, zone);
  }

  /** The numbers of the snapshots that are kept, the first one's being 1. */
  static List<Integer> kept(RetentionPlan plan) {
    return plan.decisions().stream()
        .filter(RetentionDecision::kept)
        .map(decision -> Integer.parseInt(decision.snapshot().id().hex(), 16))
        .sorted()
        .toList();
  }

  /** What is said of the snapshot of that number. */
  static List<String> reasons(RetentionPlan plan, int number) {
    return plan.decisions().stream()
        .filter(decision -> Integer.parseInt(decision.snapshot().id().hex(), 16) == number)
        .flatMap(decision -> decision.reasons().stream())
        .map(KeepReason::text)
        .toList();
  }
}
