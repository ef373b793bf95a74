package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The directories of a repair. It works on a copy of the database, whose tables are hard links to
 * those of the database itself, so that killing it changes nothing:
 *
 * <ol>
 *   <li>{@code db.repairing}: the copy, while it is worked on. Taken away by the next repair.
 *   <li>{@code db.repaired}: the same, complete and durable. Never deleted: if there is a {@code
 *       db} that can be opened, the next repair puts it into quarantine.
 *   <li>{@code db} is renamed to {@code quarantine/db-N}, with everything in it.
 *   <li>{@code db.repaired} is renamed to {@code db}. If there is no {@code db}, or none that says
 *       what is current in it, this is done by whoever opens the repository for writing next.
 * </ol>
 */
final class RepairCopy {
  private static final String CURRENT = "CURRENT";
  private static final String LIST_PREFIX = "MANIFEST-";
  static final String TABLE_SUFFIX = ".sst";

  private final RepositoryDirectory directory;

  RepairCopy(RepositoryDirectory directory) {
    this.directory = directory;
  }

  Path dir() {
    return directory.dir().resolve("db.repairing");
  }

  /** Makes the copy anew: tables are linked, the small files beside them are copied. */
  void make() throws StoreException {
    try {
      makeEmpty();
      for (Path file : files(directory.database())) {
        Path copy = dir().resolve(file.getFileName());
        Database.beforeChange.run();
        if (file.toString().endsWith(TABLE_SUFFIX)) {
          Files.createLink(copy, file);
        } else {
          Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "copying its database", e);
    }
  }

  /** Makes the copy anew, with nothing in it. */
  void makeEmpty() throws StoreException {
    try {
      delete(dir());
      Quarantine.makeDirectory(directory.dir(), dir());
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "making a directory for a copy", e);
    }
  }

  /** Takes the copy away. */
  void discard() throws StoreException {
    try {
      delete(dir());
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "deleting a copy of its database", e);
    }
  }

  /** The lists of tables in the copy, the newest first. */
  List<String> lists() throws StoreException {
    try {
      return files(dir()).stream()
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.startsWith(LIST_PREFIX))
          .sorted(Comparator.comparingLong(String::length).thenComparing(name -> name).reversed())
          .toList();
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading its database's directory", e);
    }
  }

  /** Whether the copy says which list is the current one, and has it. */
  boolean hasCurrent() {
    try {
      String name = Files.readString(dir().resolve(CURRENT), StandardCharsets.ISO_8859_1);
      return name.endsWith("\n")
          && name.startsWith(LIST_PREFIX)
          && Files.exists(dir().resolve(name.strip()));
    } catch (IOException e) {
      return false;
    }
  }

  /** Says in the copy which list is the current one. */
  void setCurrent(String list) throws StoreException {
    try {
      Files.writeString(dir().resolve(CURRENT), list + "\n", StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "writing " + CURRENT, e);
    }
  }

  /** The tables of the database itself. */
  List<Path> originalTables() throws StoreException {
    try {
      return files(directory.database()).stream()
          .filter(file -> file.toString().endsWith(TABLE_SUFFIX))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading its database's directory", e);
    }
  }

  /**
   * Puts the copy in the place of the database, which goes to quarantine. Durable when it returns.
   *
   * @return where the database is now
   */
  Path install() throws StoreException {
    try {
      for (Path file : files(dir())) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
      RepositoryDirectory.sync(dir());
      Quarantine quarantine = new Quarantine(directory);
      if (Files.isDirectory(directory.repairedDatabase())) {
        // Of a repair that was killed. It may have what the database has lost since.
        quarantine.takeIn(directory.repairedDatabase(), "db");
      }
      Database.beforeChange.run();
      Files.move(dir(), directory.repairedDatabase(), StandardCopyOption.ATOMIC_MOVE);
      directory.sync();
      Path quarantined = quarantine.takeIn(directory.database(), "db");
      directory.finishRepair();
      return quarantined;
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "putting the repaired database in place", e);
    }
  }

  private static List<Path> files(Path dir) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
      for (Path entry : entries) {
        if (Files.isRegularFile(entry)) {
          files.add(entry);
        }
      }
    }
    return files;
  }

  private static void delete(Path dir) throws IOException {
    if (Files.isDirectory(dir)) {
      for (Path file : files(dir)) {
        Files.delete(file);
      }
      Files.delete(dir);
    }
  }
}
