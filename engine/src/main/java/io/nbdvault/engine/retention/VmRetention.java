package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.CatalogEntry;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.catalog.CommitOrder;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The snapshots of one VM while rules are applied to them. */
final class VmRetention {
  /** An alert is raised if less than this part of the covered time would be left. */
  private static final int COVERED_PART_MIN = 4;

  private final Instant now;
  private final ZoneId zone;

  /** All of them, the oldest first. */
  private final List<SnapshotRecord> all;

  /** Those that rules count, the newest first. */
  private final List<SnapshotRecord> counted = new ArrayList<>();

  private final Map<SnapshotId, List<KeepReason>> reasons = new HashMap<>();

  VmRetention(List<CatalogEntry> entries, Instant now, ZoneId zone) {
    this.now = now;
    this.zone = zone;
    Map<SnapshotId, CatalogEntry> kept = new HashMap<>();
    entries.stream()
        .filter(CatalogEntry::isKept)
        .forEach(entry -> kept.put(entry.record().id(), entry));
    List<SnapshotRecord> committed =
        CommitOrder.of(entries.stream().map(CatalogEntry::record).toList()).stream()
            .filter(snapshot -> kept.containsKey(snapshot.id()))
            .toList();
    // Stable: of two with one time, the one that was committed later counts as the newer.
    this.all = committed.stream().sorted(Comparator.comparing(SnapshotRecord::time)).toList();
    for (CatalogEntry entry : kept.values()) {
      if (entry.state().isProtected()) {
        keep(entry.record(), KeepReason.PROTECTED);
      }
      if (entry.record().time().isAfter(now)) {
        keep(entry.record(), KeepReason.FUTURE);
      }
    }
    Set<SnapshotId> uncounted = Set.copyOf(reasons.keySet());
    for (int i = all.size() - 1; i >= 0; i--) {
      if (!uncounted.contains(all.get(i).id())) {
        counted.add(all.get(i));
      }
    }
    keepNewest(committed.stream().filter(s -> !uncounted.contains(s.id())).toList());
  }

  private void keepNewest(List<SnapshotRecord> committed) {
    if (committed.isEmpty()) {
      return;
    }
    SnapshotRecord last = committed.get(committed.size() - 1);
    keep(last, KeepReason.NEWEST);
    if (!counted.get(0).equals(last)) {
      keep(counted.get(0), KeepReason.NEWEST); // The clock went back.
    }
    Map<String, SnapshotRecord> newestByDisk = new HashMap<>();
    for (SnapshotRecord snapshot : committed) {
      for (DiskRecord disk : snapshot.disks()) {
        newestByDisk.put(disk.name(), snapshot);
      }
    }
    newestByDisk.entrySet().stream()
        .filter(entry -> !entry.getValue().equals(last))
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> keep(entry.getValue(), KeepReason.newestOfDisk(entry.getKey())));
  }

  private void keep(SnapshotRecord snapshot, KeepReason reason) {
    reasons.computeIfAbsent(snapshot.id(), id -> new ArrayList<>()).add(reason);
  }

  void apply(KeepRule rule) {
    if (rule instanceof KeepRule.Last last) {
      int kept = Math.min(last.count(), counted.size());
      for (int i = 0; i < kept; i++) {
        keep(counted.get(i), KeepReason.last(i + 1, last.count()));
      }
    } else if (rule instanceof KeepRule.Periodic periodic) {
      apply(periodic);
    } else if (rule instanceof KeepRule.Within within) {
      apply(within);
    } else if (rule instanceof KeepRule.Tagged tagged) {
      all.stream()
          .filter(snapshot -> tagged.matches(snapshot.tags()))
          .forEach(snapshot -> keep(snapshot, KeepReason.tagged(tagged)));
    } else {
      throw new IllegalStateException("no way to apply " + rule);
    }
  }

  private void apply(KeepRule.Periodic rule) {
    Optional<SnapshotRecord> lastKept = Optional.empty();
    String previous = "";
    int number = 0;
    for (SnapshotRecord snapshot : counted) {
      String period = rule.period().of(local(snapshot));
      if (period.equals(previous)) {
        continue;
      }
      if (number == rule.count()) {
        return;
      }
      number++;
      keep(snapshot, KeepReason.periodic(rule, number, period));
      lastKept = Optional.of(snapshot);
      previous = period;
    }
    if (lastKept.isPresent() && number < rule.count()) {
      SnapshotRecord oldest = counted.get(counted.size() - 1);
      if (!lastKept.get().equals(oldest)) {
        keep(oldest, KeepReason.periodic(rule, number + 1, "the oldest"));
      }
    }
  }

  /** Periods of times that no real backup has are of no use, and some are past the calendar. */
  private ZonedDateTime local(SnapshotRecord snapshot) {
    Instant time = snapshot.time();
    return (time.isBefore(Instant.EPOCH) ? Instant.EPOCH : time).atZone(zone);
  }

  private void apply(KeepRule.Within rule) {
    if (counted.isEmpty()) {
      return;
    }
    Instant newest = counted.get(0).time();
    Instant end = newest.isBefore(now) ? newest : now;
    Instant begin = rule.span().before(end.isBefore(Instant.EPOCH) ? Instant.EPOCH : end, zone);
    counted.stream()
        .filter(snapshot -> !snapshot.time().isBefore(begin))
        .forEach(snapshot -> keep(snapshot, KeepReason.within(rule)));
  }

  List<RetentionDecision> decisions() {
    return all.stream()
        .map(
            snapshot ->
                new RetentionDecision(snapshot, reasons.getOrDefault(snapshot.id(), List.of())))
        .toList();
  }

  /**
   * A sentence if the snapshots that would be left cover much less time than those that there are:
   * a policy that is used for the first time, or fresh snapshots that push good ones out.
   */
  Optional<String> alert() {
    List<SnapshotRecord> kept =
        counted.stream().filter(snapshot -> reasons.containsKey(snapshot.id())).toList();
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    Duration before = covered(counted);
    Duration after = covered(kept);
    if (after.multipliedBy(COVERED_PART_MIN).compareTo(before) >= 0) {
      return Optional.empty();
    }
    String left =
        kept.size() == 1
            ? ", and only one is kept"
            : ", those that are kept only " + inWords(after);
    return Optional.of(
        "VM "
            + all.get(0).vm()
            + ": its snapshots cover "
            + inWords(before)
            + left
            + "; if that is not what you want, keep more with --keep-within");
  }

  private static Duration covered(List<SnapshotRecord> newestFirst) {
    return Duration.between(
        newestFirst.get(newestFirst.size() - 1).time(), newestFirst.get(0).time());
  }

  private static String inWords(Duration duration) {
    long hours = duration.toHours();
    if (hours >= 48) {
      return hours / 24 + " days";
    }
    if (hours > 2) {
      return hours + " hours";
    }
    long minutes = duration.toMinutes();
    return minutes >= 2 ? minutes + " minutes" : duration.toSeconds() + " seconds";
  }
}
