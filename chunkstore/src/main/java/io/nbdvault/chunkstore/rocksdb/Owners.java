package io.nbdvault.chunkstore.rocksdb;

import java.util.List;

/**
 * To whom something in the store belongs: to one snapshot, to several of one VM, or to several VMs.
 * Each of these is a number. What belongs to two owners at once belongs to the {@link #join} of
 * both, which has no smaller one above both; it can change twice and no more.
 *
 * <p>With S snapshots of V VMs, 0 to S - 1 are the snapshots, S to S + V - 1 the VMs, and S + V is
 * everybody.
 */
final class Owners {
  private final int[] vmOfSnapshot;
  private final int vms;

  /**
   * Makes the owners.
   *
   * @param vmsOfSnapshots for each snapshot the number of its VM, from 0
   */
  Owners(List<Integer> vmsOfSnapshots, int vms) {
    this.vmOfSnapshot = vmsOfSnapshots.stream().mapToInt(Integer::intValue).toArray();
    this.vms = vms;
  }

  /** How many owners there are. */
  int count() {
    return vmOfSnapshot.length + vms + 1;
  }

  int snapshot(int number) {
    return number;
  }

  int vm(int number) {
    return vmOfSnapshot.length + number;
  }

  private int everybody() {
    return vmOfSnapshot.length + vms;
  }

  /** The owner of what belongs to both. */
  int join(int a, int b) {
    if (a == b) {
      return a;
    }
    int vmA = vmOf(a);
    return vmA == vmOf(b) ? vmA : everybody();
  }

  private int vmOf(int owner) {
    return owner < vmOfSnapshot.length ? vm(vmOfSnapshot[owner]) : owner;
  }
}
