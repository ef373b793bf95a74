package io.nbdvault.chunkstore;

import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A snapshot as the catalog keeps it.
 *
 * @param id the snapshot's id
 * @param vm name of the VM
 * @param vmUuid the VM's UUID as QEMU reports it
 * @param time the instant whose state the disks have
 * @param consistency what is known of the file systems
 * @param parent the snapshot that this one was compared with; nothing of it is needed to read this
 *     one
 * @param disks the disks, with distinct names
 * @param skipped disks of the VM that are not in the snapshot
 * @param statistics what the backup cost
 * @param tags free text by name
 * @param qemuVersion version of the QEMU that ran the VM
 * @param vmConfiguration the VM's configuration as QMP reports it, as JSON text
 * @param commit number of the commit that stored it: those of later snapshots are higher, whatever
 *     the clock said. Given by the store; empty before that, and in snapshots that a repository of
 *     format version 1 was given, which come before all that have one
 */
public record SnapshotRecord(
    SnapshotId id,
    String vm,
    Optional<String> vmUuid,
    Instant time,
    Consistency consistency,
    Optional<SnapshotId> parent,
    List<DiskRecord> disks,
    List<SkippedDisk> skipped,
    SnapshotStatistics statistics,
    SortedMap<String, String> tags,
    Optional<String> qemuVersion,
    Optional<String> vmConfiguration,
    OptionalLong commit) {
  /** Checks the names and copies the collections. */
  public SnapshotRecord {
    Checks.name("VM name", vm);
    disks = List.copyOf(disks);
    skipped = List.copyOf(skipped);
    tags = Collections.unmodifiableSortedMap(new TreeMap<>(tags));
    Set<String> names = new HashSet<>();
    for (DiskRecord disk : disks) {
      Checks.that(names.add(disk.name()), "disk name", disk.name(), "once in a snapshot");
    }
    Checks.that(commit.orElse(1) >= 1, "commit", commit, ">= 1");
  }

  /** Makes the record of a snapshot that is not committed yet. */
  public SnapshotRecord(
      SnapshotId id,
      String vm,
      Optional<String> vmUuid,
      Instant time,
      Consistency consistency,
      Optional<SnapshotId> parent,
      List<DiskRecord> disks,
      List<SkippedDisk> skipped,
      SnapshotStatistics statistics,
      SortedMap<String, String> tags,
      Optional<String> qemuVersion,
      Optional<String> vmConfiguration) {
    this(
        id,
        vm,
        vmUuid,
        time,
        consistency,
        parent,
        disks,
        skipped,
        statistics,
        tags,
        qemuVersion,
        vmConfiguration,
        OptionalLong.empty());
  }

  /** The same, committed with that number. */
  public SnapshotRecord withCommit(long number) {
    return new SnapshotRecord(
        id,
        vm,
        vmUuid,
        time,
        consistency,
        parent,
        disks,
        skipped,
        statistics,
        tags,
        qemuVersion,
        vmConfiguration,
        OptionalLong.of(number));
  }

  /** The same without the VM's configuration, which may be as long as all the rest many times. */
  public SnapshotRecord withoutVmConfiguration() {
    return vmConfiguration.isEmpty()
        ? this
        : new SnapshotRecord(
            id,
            vm,
            vmUuid,
            time,
            consistency,
            parent,
            disks,
            skipped,
            statistics,
            tags,
            qemuVersion,
            Optional.empty(),
            commit);
  }

  /** The disk of that name, if the snapshot has it. */
  public Optional<DiskRecord> disk(String name) {
    return disks.stream().filter(disk -> disk.name().equals(name)).findFirst();
  }
}
