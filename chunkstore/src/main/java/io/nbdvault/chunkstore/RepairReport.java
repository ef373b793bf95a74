package io.nbdvault.chunkstore;

import java.util.List;

/**
 * What a repair has done.
 *
 * @param plan what it did
 * @param recordsPutBack records of chunks and nodes that damaged files still gave
 * @param rowsPutBack other rows that they still gave
 * @param indexRows rows of the index that were made again
 * @param flagged rows of the index whose records are lost: what they are of is stored anew by the
 *     next backup that meets it
 * @param broughtBack snapshots that were forgotten and are kept now: whether they had been brought
 *     back since cannot be told any more
 * @param protectedAnew snapshots that are protected now: whether they were, or were forgotten,
 *     cannot be told any more
 * @param lost what cannot be brought back, beside content: snapshots, or rows that may have been of
 *     snapshots. Nothing is reclaimed before that is acknowledged
 * @param quarantine where what was damaged lies now, relative to the repository; empty if nothing
 *     was
 */
public record RepairReport(
    RepairPlan plan,
    long recordsPutBack,
    long rowsPutBack,
    long indexRows,
    long flagged,
    List<SnapshotId> broughtBack,
    List<SnapshotId> protectedAnew,
    List<DamagedItem> lost,
    String quarantine) {
  /** Copies the lists. */
  public RepairReport {
    broughtBack = List.copyOf(broughtBack);
    protectedAnew = List.copyOf(protectedAnew);
    lost = List.copyOf(lost);
  }
}
