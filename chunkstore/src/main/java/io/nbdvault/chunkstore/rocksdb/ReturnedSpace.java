package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Counts what a collection gives back to the file system: the files that it has taken away, less
 * those that it has written instead, whatever backups write beside it. A file that has another name
 * elsewhere, as in quarantine, gives nothing back, and neither does one that somebody of this
 * process still holds open.
 */
final class ReturnedSpace {
  /** Something that replaces files by others. */
  @FunctionalInterface
  interface Change {
    void run() throws StoreException;
  }

  /** A file that is in no list any more. */
  private record Gone(Path path, long sizeBytes) {}

  private final Database database;
  private final Path dir;
  private final List<Gone> gone = new ArrayList<>();
  private long writtenBytes;

  /**
   * Begins to count.
   *
   * @param dir of the database
   */
  ReturnedSpace(Database database, Path dir) {
    this.database = database;
    this.dir = dir;
  }

  /**
   * Does something, and counts what comes of it.
   *
   * @param before the files that it may replace
   * @param own which of the new files are its own
   */
  void count(
      Family family, List<Database.Table> before, Predicate<Database.Table> own, Change change)
      throws StoreException {
    Map<String, Gone> replaced = new HashMap<>();
    for (Database.Table table : before) {
      Path path = dir.resolve(table.name().substring(1));
      replaced.put(table.name(), new Gone(path, isLinkedElsewhere(path) ? 0 : table.sizeBytes()));
    }
    change.run();
    long written = 0;
    for (Database.Table table : database.tables(family)) {
      if (replaced.remove(table.name()) == null && own.test(table)) {
        written += table.sizeBytes();
      }
    }
    gone.addAll(replaced.values());
    writtenBytes += written;
  }

  private boolean isLinkedElsewhere(Path path) throws StoreException {
    try {
      return ((Number) Files.getAttribute(path, "unix:nlink")).intValue() > 1;
    } catch (NoSuchFileException e) {
      // It has just been compacted away: then it is in the next list, or gone, not to our credit.
      return true;
    } catch (IOException e) {
      throw StoreErrors.of(dir.toString(), "looking at its files", e);
    }
  }

  /** Bytes that are free now; negative if what was written instead is more. */
  long bytes() {
    long bytes = -writtenBytes;
    for (Gone file : gone) {
      bytes += Files.exists(file.path()) ? 0 : file.sizeBytes();
    }
    return bytes;
  }
}
