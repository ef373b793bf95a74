package io.nbdvault.chunkstore.rocksdb;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The files of family chunk at one moment, in the order of the ordinals at which they begin, and in
 * groups that have ordinals in common. Listing takes a while for each file of the repository, so
 * what goes from file to file lists them once, and not for each.
 */
final class TableList {
  private final List<Database.Table> ascending;
  private final List<List<Database.Table>> groups;

  /** The last ordinal of each group: the groups are in order, and so are these. */
  private final long[] largest;

  TableList(List<Database.Table> tables) {
    ascending =
        tables.stream().sorted(Comparator.comparingLong(Database.Table::smallestPrefix)).toList();
    groups = ChunkTables.groups(ascending);
    largest =
        groups.stream()
            .mapToLong(
                group -> group.stream().mapToLong(Database.Table::largestPrefix).max().orElse(-1))
            .toArray();
  }

  /** In the order of the ordinals at which they begin. */
  List<Database.Table> ascending() {
    return ascending;
  }

  /** Those that have ordinals in common: rewriting one rewrites them all. */
  List<List<Database.Table>> groups() {
    return groups;
  }

  /** The last ordinal that lies in a file; what is written later lies behind it. */
  long lastOrdinal() {
    return largest.length == 0 ? -1 : largest[largest.length - 1];
  }

  /** What has ordinals from one to another, and whatever would be rewritten with it. */
  List<Database.Table> reaching(long first, long last) {
    List<Database.Table> reaching = new ArrayList<>();
    for (int i = firstEndingAt(first); i < groups.size(); i++) {
      if (groups.get(i).get(0).smallestPrefix() > last) {
        break;
      }
      reaching.addAll(groups.get(i));
    }
    return reaching;
  }

  /** Number of the first group that ends at an ordinal or behind it. */
  private int firstEndingAt(long ordinal) {
    int low = 0;
    int high = largest.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (largest[middle] < ordinal) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
