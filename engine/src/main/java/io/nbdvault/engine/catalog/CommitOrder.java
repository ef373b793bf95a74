package io.nbdvault.engine.catalog;

import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The order in which a VM's snapshots were committed, whatever the clock said: one backup made with
 * a clock years ahead must not stay the latest for years. The store numbers its commits. Snapshots
 * without a number are from a repository's first format and come before all others: there a
 * snapshot comes after its parent, and time decides between those that no parent connects.
 */
public final class CommitOrder {
  private CommitOrder() {}

  /** Sorts the snapshots of one VM, the first committed first. */
  public static List<SnapshotRecord> of(List<SnapshotRecord> snapshots) {
    List<SnapshotRecord> ordered =
        byParents(snapshots.stream().filter(s -> s.commit().isEmpty()).toList());
    snapshots.stream()
        .filter(s -> s.commit().isPresent())
        .sorted(Comparator.comparingLong(s -> s.commit().orElseThrow()))
        .forEach(ordered::add);
    return ordered;
  }

  private static List<SnapshotRecord> byParents(List<SnapshotRecord> snapshots) {
    Set<SnapshotId> present =
        snapshots.stream().map(SnapshotRecord::id).collect(Collectors.toSet());
    List<SnapshotRecord> waiting = new ArrayList<>(snapshots);
    waiting.sort(Comparator.comparing(SnapshotRecord::time));
    List<SnapshotRecord> ordered = new ArrayList<>();
    Set<SnapshotId> placed = new HashSet<>();
    while (!waiting.isEmpty()) {
      SnapshotRecord next =
          waiting.stream()
              .filter(s -> s.parent().filter(present::contains).map(placed::contains).orElse(true))
              .findFirst()
              .orElse(waiting.get(0)); // A ring of parents cannot be; time would decide it.
      waiting.remove(next);
      placed.add(next.id());
      ordered.add(next);
    }
    return ordered;
  }
}
