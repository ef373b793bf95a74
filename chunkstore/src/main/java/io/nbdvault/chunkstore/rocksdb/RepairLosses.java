package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.SnapshotId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;

/**
 * What a repair has to tell about snapshots: what it cannot bring back, and whose state it had to
 * decide because what was decided before may be lost.
 */
final class RepairLosses {
  private final List<DamagedItem> lost = new ArrayList<>();
  private final TreeSet<String> broughtBack = new TreeSet<>();
  private final TreeSet<String> protectedAnew = new TreeSet<>();

  /** A snapshot whose record is there and cannot be read. */
  void snapshot(SnapshotId id, String reason) {
    lost.add(new DamagedItem("snapshot " + id.hex(), reason));
  }

  /**
   * Rows of the catalog.
   *
   * @param rows how many at least; 0 if that is not known
   * @param range where their keys lie, for people
   */
  void rowsOfCatalog(String file, long rows, String range) {
    String count = rows > 0 ? rows + " rows" : "an unknown number of rows";
    lost.add(new DamagedItem(count + " of the catalog", range + ", in " + file));
  }

  void file(String file, String reason) {
    lost.add(new DamagedItem(file, "perhaps of the catalog: " + reason));
  }

  void commits(long first, long last) {
    lost.add(
        new DamagedItem(
            "commits " + first + " to " + last, "no file of the database has all of them"));
  }

  void broughtBack(SnapshotId id) {
    broughtBack.add(id.hex());
  }

  void protectedAnew(SnapshotId id) {
    protectedAnew.add(id.hex());
  }

  List<DamagedItem> lost() {
    return List.copyOf(lost);
  }

  List<SnapshotId> broughtBack() {
    return broughtBack.stream().map(SnapshotId::new).toList();
  }

  List<SnapshotId> protectedAnew() {
    return protectedAnew.stream().map(SnapshotId::new).toList();
  }

  /** Where the snapshots of two keys of the catalog lie. */
  static String range(byte[] smallestKey, byte[] largestKey) {
    return "snapshots " + id(smallestKey) + " to " + id(largestKey);
  }

  private static String id(byte[] key) {
    return HexFormat.of().formatHex(key, 0, Math.min(key.length, SnapshotId.BYTES));
  }
}
