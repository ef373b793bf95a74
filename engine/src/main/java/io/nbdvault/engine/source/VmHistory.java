package io.nbdvault.engine.source;

import io.nbdvault.chunkstore.Checkpoint;
import io.nbdvault.chunkstore.DiskRecord;
import io.nbdvault.chunkstore.SnapshotId;
import io.nbdvault.chunkstore.SnapshotRecord;
import io.nbdvault.engine.catalog.CommitOrder;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a repository knows of a VM before a backup: its latest snapshot, and for each disk the
 * latest snapshot that has it. A disk that was left out once continues from where it was.
 */
public final class VmHistory {
  private final Optional<SnapshotRecord> latest;
  private final Map<String, Entry> disks;
  private final Set<String> bitmapsOfOthers;
  private final Map<String, String> damaged;

  /** A disk as its latest snapshot has it. */
  public record Entry(SnapshotId snapshot, DiskRecord disk) {}

  private VmHistory(
      Optional<SnapshotRecord> latest,
      Map<String, Entry> disks,
      Set<String> bitmapsOfOthers,
      Map<String, String> damaged) {
    this.damaged = Map.copyOf(damaged);
    this.latest = latest;
    this.disks = disks;
    this.bitmapsOfOthers = bitmapsOfOthers;
  }

  /** Reads the history of {@code vm} from all the snapshots of a repository. */
  public static VmHistory of(String vm, List<SnapshotRecord> snapshots) {
    List<SnapshotRecord> own =
        CommitOrder.of(snapshots.stream().filter(s -> s.vm().equals(vm)).toList());
    Set<String> others = new HashSet<>();
    snapshots.stream()
        .map(SnapshotRecord::vm)
        .filter(name -> !name.equals(vm))
        .distinct()
        .forEach(
            name ->
                latestDisks(snapshots.stream().filter(s -> s.vm().equals(name)).toList())
                    .values()
                    .forEach(entry -> bitmapOf(entry).ifPresent(others::add)));
    return new VmHistory(
        own.isEmpty() ? Optional.empty() : Optional.of(own.get(own.size() - 1)),
        latestDisks(own),
        others,
        Map.of());
  }

  /**
   * The same history, of which some disks are damaged: nothing is to be built upon those.
   *
   * @param reasons by the disk's name, why it is read in full
   */
  public VmHistory withDamaged(Map<String, String> reasons) {
    return new VmHistory(latest, disks, bitmapsOfOthers, reasons);
  }

  /** Why no incremental may build upon what the history has of this disk, if none may. */
  public Optional<String> damage(String disk) {
    return Optional.ofNullable(damaged.get(disk));
  }

  private static Map<String, Entry> latestDisks(List<SnapshotRecord> ofOneVm) {
    Map<String, Entry> disks = new LinkedHashMap<>();
    for (SnapshotRecord snapshot : CommitOrder.of(ofOneVm)) {
      for (DiskRecord disk : snapshot.disks()) {
        disks.put(disk.name(), new Entry(snapshot.id(), disk));
      }
    }
    return disks;
  }

  private static Optional<String> bitmapOf(Entry entry) {
    return entry.disk().checkpoint().map(Checkpoint::bitmapName);
  }

  public Optional<SnapshotRecord> latest() {
    return latest;
  }

  /** The disk of this name in the latest snapshot that has it. */
  public Optional<Entry> disk(String name) {
    return Optional.ofNullable(disks.get(name));
  }

  /** The disks that some snapshot has, each as the latest of them has it. */
  public Collection<Entry> disks() {
    return Collections.unmodifiableCollection(disks.values());
  }

  /** The snapshots that disks continue from; all must be kept while a backup runs. */
  public Set<SnapshotId> parents() {
    Set<SnapshotId> parents = new HashSet<>();
    disks.values().forEach(entry -> parents.add(entry.snapshot()));
    return parents;
  }

  /** Whether a disk of this VM, or of another VM in the repository, continues from this bitmap. */
  public boolean isLive(String bitmap) {
    return bitmapsOfOthers.contains(bitmap)
        || disks.values().stream().anyMatch(e -> bitmapOf(e).equals(Optional.of(bitmap)));
  }

  /** Whether a disk of another VM in the repository continues from this bitmap. */
  public boolean isLiveElsewhere(String bitmap) {
    return bitmapsOfOthers.contains(bitmap);
  }

  /** The bitmap that this VM's disk of this name continues from. */
  public Optional<String> bitmap(String disk) {
    return disk(disk).flatMap(VmHistory::bitmapOf);
  }
}
