package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.StoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The files that hold the records, and which of them may be rewritten. One block that cannot be
 * read makes RocksDB's rewriting fail, and then every write until the database is opened again. So
 * nobody but {@link Reclaimer} has files rewritten, and only such as were read from beginning to
 * end just before; what has a bad block stays as it is, until a repair.
 *
 * <p>RocksDB's own compactions do not read these files as long as no two of them have ordinals in
 * common: then it moves them from level to level by a line in its list. That is so because ordinals
 * ascend, and nothing is ever written under an ordinal a second time; but for what is deleted. So
 * while {@link Reclaimer} deletes, and after it was killed, RocksDB compacts nothing by itself.
 */
final class ChunkTables {
  private final Database database;
  private final Path dir;

  /** What is wrong, by the file's name; files are never changed, so each is reported once. */
  private final Map<String, DamagedItem> damaged = new LinkedHashMap<>();

  /** Names of those that were found whole by {@link #damagedAt}. */
  private final Set<String> whole = new HashSet<>();

  /**
   * Makes them known.
   *
   * @param dir of the database
   */
  ChunkTables(Database database, Path dir) {
    this.database = database;
    this.dir = dir;
  }

  /** Lists them, which takes a while for each: see {@link TableList}. */
  TableList list() {
    return new TableList(database.tables(Family.CHUNK));
  }

  /** Lets RocksDB move files by itself, if that is all that it will do. Returns whether it is. */
  boolean settle() throws StoreException {
    boolean apart = list().groups().stream().allMatch(group -> group.size() == 1);
    database.setAutomaticCompaction(Family.CHUNK, apart);
    return apart;
  }

  /**
   * Puts together those that have ordinals in common: rewriting one rewrites them all.
   *
   * @param ascending in the order of the ordinals at which they begin
   */
  static List<List<Database.Table>> groups(List<Database.Table> ascending) {
    List<List<Database.Table>> groups = new ArrayList<>();
    long largest = -1;
    for (Database.Table table : ascending) {
      if (groups.isEmpty() || table.smallestPrefix() > largest) {
        groups.add(new ArrayList<>());
      }
      groups.get(groups.size() - 1).add(table);
      largest = Math.max(largest, table.largestPrefix());
    }
    return groups;
  }

  /**
   * How many rows lie in each file, by its name, deleted ones too as long as they take room. Of a
   * file that does not say any more, nothing is known.
   */
  Map<String, Long> rowCounts(List<Database.Table> tables) throws StoreException {
    Map<String, Long> counts = new HashMap<>();
    for (Database.Table table : tables) {
      OptionalLong count = RepairTable.rowCount(path(table));
      if (count.isPresent()) {
        counts.put(table.name(), count.getAsLong());
      }
    }
    return counts;
  }

  /** Whether all of them are still there: somebody may have rewritten one since it was listed. */
  boolean areThere(List<Database.Table> tables) {
    return tables.stream().allMatch(table -> Files.exists(path(table)));
  }

  /**
   * Reads them from beginning to end. Memory: a block.
   *
   * @return whether all of them are whole
   */
  boolean areWhole(List<Database.Table> tables) throws StoreException {
    boolean all = true;
    for (Database.Table table : tables) {
      all &= isWhole(table);
    }
    return all;
  }

  private boolean isWhole(Database.Table table) throws StoreException {
    if (damaged.containsKey(table.name())) {
      return false;
    }
    String reason = DamagedTables.damage(path(table), table.sizeBytes()).orElse(null);
    if (reason != null) {
      damaged.put(table.name(), new DamagedItem(DamagedTables.nameOf(table), reason));
    }
    return reason == null;
  }

  /**
   * Looks for files with a bad block among those that may have an ordinal. Each is read once.
   *
   * @param tables all of them
   */
  List<DamagedItem> damagedAt(long ordinal, List<Database.Table> tables) throws StoreException {
    List<DamagedItem> found = new ArrayList<>();
    for (Database.Table table : tables) {
      boolean reaches = table.smallestPrefix() <= ordinal && ordinal <= table.largestPrefix();
      // What a collection has taken away since the database was opened is not damaged.
      if (reaches && !whole.contains(table.name()) && Files.exists(path(table))) {
        if (isWhole(table)) {
          whole.add(table.name());
        } else {
          found.add(Objects.requireNonNull(damaged.get(table.name())));
        }
      }
    }
    return found;
  }

  /** Those that were found damaged. */
  List<DamagedItem> damaged() {
    return List.copyOf(damaged.values());
  }

  Path path(Database.Table table) {
    return dir.resolve(table.name().substring(1));
  }
}
