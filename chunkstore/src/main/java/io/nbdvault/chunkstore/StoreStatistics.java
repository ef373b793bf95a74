package io.nbdvault.chunkstore;

import java.util.List;

/**
 * What a store holds, and for whom.
 *
 * @param stored all that is stored, also what no snapshot needs any more
 * @param reachable what the snapshots need that are not forgotten
 * @param missingChunks chunks that they need and the index does not have: damage
 * @param vms the VMs that have snapshots, by name
 */
public record StoreStatistics(
    ContentTotals stored, ContentTotals reachable, long missingChunks, List<Vm> vms) {
  /** Checks and copies. */
  public StoreStatistics {
    Checks.notNegative("missing chunks", missingChunks);
    vms = List.copyOf(vms);
  }

  /**
   * The snapshots of a VM that are not forgotten.
   *
   * @param name the VM's name
   * @param alone what would become unreachable if all of them, and only they, were forgotten
   * @param snapshots each of them, oldest first
   */
  public record Vm(String name, ContentTotals alone, List<Snapshot> snapshots) {
    /** Copies the list. */
    public Vm {
      snapshots = List.copyOf(snapshots);
    }
  }

  /**
   * One snapshot.
   *
   * @param id its id
   * @param sizeBytes sum of the sizes of its disks
   * @param dataBytes of these, what does not lie in chunks of zeros, counted in whole chunks
   * @param alone what would become unreachable if only it were forgotten
   */
  public record Snapshot(SnapshotId id, long sizeBytes, long dataBytes, ContentTotals alone) {
    /** Checks the sizes. */
    public Snapshot {
      Checks.notNegative("size", sizeBytes);
      Checks.notNegative("data", dataBytes);
    }
  }

  /** Bytes of data that the snapshots hold, each counted as if it were the only one. */
  public long dataBytes() {
    return vms.stream().flatMap(vm -> vm.snapshots().stream()).mapToLong(Snapshot::dataBytes).sum();
  }

  /** Bytes of the disks that the snapshots hold. */
  public long sizeBytes() {
    return vms.stream().flatMap(vm -> vm.snapshots().stream()).mapToLong(Snapshot::sizeBytes).sum();
  }
}
