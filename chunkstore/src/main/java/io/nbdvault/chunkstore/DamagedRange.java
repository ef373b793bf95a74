package io.nbdvault.chunkstore;

/**
 * Bytes of a disk in a snapshot that cannot be read.
 *
 * @param snapshot the snapshot
 * @param vm name of its VM
 * @param disk name of the disk
 * @param offsetBytes where it begins
 * @param lengthBytes how long it is, at least 1
 */
public record DamagedRange(
    SnapshotId snapshot, String vm, String disk, long offsetBytes, long lengthBytes) {
  /** Checks that it is a range. */
  public DamagedRange {
    Checks.notNegative("offset", offsetBytes);
    Checks.that(lengthBytes >= 1, "length", lengthBytes, ">= 1");
  }
}
