package io.nbdvault.chunkstore.rocksdb;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.rocksdb.LiveFileMetaData;

/**
 * Finds tables that are not as the database knows them: missing, or of another size. Those of the
 * small families are read from beginning to end as well, because not every block of them is needed
 * to read what they hold: a filter that cannot be read makes every look-up slower, and says so to
 * nobody. The records themselves are what a verification reads anyway.
 */
final class DamagedTables {
  private DamagedTables() {}

  /** Finds them, also while a writer replaces tables by others. */
  static List<DamagedItem> find(RepositoryDirectory directory) throws StoreException {
    Map<String, DamagedItem> first = look(directory);
    if (first.isEmpty()) {
      return List.of();
    }
    // A table that was taken away since the database was opened is not in its next list.
    Map<String, DamagedItem> second = look(directory);
    second.keySet().retainAll(first.keySet());
    return List.copyOf(second.values());
  }

  private static Map<String, DamagedItem> look(RepositoryDirectory directory)
      throws StoreException {
    Map<String, DamagedItem> damaged = new LinkedHashMap<>();
    Path dir = directory.databaseToRead();
    try (Database database =
        Database.open(directory.location(), dir, DatabaseAccess.READ_DAMAGED)) {
      for (LiveFileMetaData table : database.liveFiles()) {
        Path file = fileOf(dir, table);
        (isOfRecords(table) ? reason(file, table.size()) : damage(file, table.size()))
            .ifPresent(
                reason -> damaged.put(table.fileName(), new DamagedItem(nameOf(table), reason)));
      }
    }
    return damaged;
  }

  private static boolean isOfRecords(LiveFileMetaData table) {
    return Arrays.equals(table.columnFamilyName(), Family.CHUNK.nameBytes());
  }

  /** Where a table lies; RocksDB gives its name as {@code /000012.sst}. */
  static Path fileOf(Path dir, LiveFileMetaData table) {
    return dir.resolve(table.fileName().substring(1));
  }

  /** What a table is called in messages. */
  static String nameOf(LiveFileMetaData table) {
    return nameOf(table.fileName(), new String(table.columnFamilyName(), US_ASCII));
  }

  /** The same of a table of the records. */
  static String nameOf(Database.Table chunks) {
    return nameOf(chunks.name(), Family.CHUNK.nameInDatabase());
  }

  private static String nameOf(String file, String family) {
    return "file db" + file + " of family " + family;
  }

  /** Why a table is not as the database knows it, or what is wrong with it: it is read whole. */
  static Optional<String> damage(Path file, long expectedBytes) throws StoreException {
    Optional<String> reason = reason(file, expectedBytes);
    return reason.isPresent() ? reason : RepairTable.damage(file);
  }

  /** Why a table is not as the database knows it. */
  static Optional<String> reason(Path file, long expectedBytes) {
    try {
      long bytes = Files.size(file);
      return bytes == expectedBytes
          ? Optional.empty()
          : Optional.of(bytes + " bytes (expected: " + expectedBytes + ")");
    } catch (NoSuchFileException e) {
      return Optional.of("is missing");
    } catch (IOException e) {
      return Optional.of("cannot be read: " + e);
    }
  }
}
