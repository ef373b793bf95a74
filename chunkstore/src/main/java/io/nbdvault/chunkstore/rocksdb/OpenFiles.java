package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.OpenFilesException;
import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** How many files this process may have open at once. */
final class OpenFiles {
  private static final String LIMIT = "Max open files";
  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final Path OPEN = Path.of("/proc/self/fd");

  /** What is opened beside the tables: lists, locks, the image that is written. */
  private static final int OTHERS = 32;

  private OpenFiles() {}

  /** The limit that holds now; empty where there is none, or where the system does not say. */
  static OptionalLong limit() {
    try {
      return limit(Files.readAllLines(LIMITS));
    } catch (IOException e) {
      // Not Linux, or no such file system: then the system's own error is what is told.
      return OptionalLong.empty();
    }
  }

  /**
   * The soft limit.
   *
   * @param lines of {@code /proc/self/limits}
   */
  static OptionalLong limit(List<String> lines) {
    for (String line : lines) {
      if (line.startsWith(LIMIT)) {
        String[] fields = line.substring(LIMIT.length()).strip().split("\\s+", 2);
        return fields[0].matches("\\d{1,18}")
            ? OptionalLong.of(Long.parseLong(fields[0]))
            : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }

  /**
   * How many tables a writer keeps open: half of what the process may, because its connections and
   * images are files as well, and what is being read is held beyond this bound.
   */
  static int writerTablesMax(int most) {
    return (int) Math.max(20, Math.min(most, limit().orElse(Long.MAX_VALUE) / 2));
  }

  /**
   * Refuses to open all tables of a database if there are more than the process may still open:
   * RocksDB would find out in the middle of it, and call it whatever it was doing then.
   */
  static void requireForAllOf(Path database, String location) throws StoreException {
    OptionalLong limit = limit();
    if (limit.isEmpty()) {
      return;
    }
    long needed;
    try {
      needed = count(database, ".sst") + count(OPEN, "") + OTHERS;
    } catch (IOException e) {
      if (StoreErrors.isOfOpenFiles(e)) {
        throw new OpenFilesException(location, e);
      }
      // What is wrong with the directory is told when it is opened.
      return;
    }
    if (needed > limit.getAsLong()) {
      throw new OpenFilesException(
          location, new IOException("limit=" + limit.getAsLong() + " needed=" + needed));
    }
  }

  private static long count(Path directory, String suffix) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.filter(entry -> entry.toString().endsWith(suffix)).count();
    }
  }
}
