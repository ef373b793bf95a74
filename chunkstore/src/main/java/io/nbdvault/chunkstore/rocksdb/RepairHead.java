package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.HeadSlot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a repair does about commits that the database has lost, by the file {@code head}. A list of
 * tables that was cut, or put back, does not name the newest tables, but they still lie beside it
 * as long as nobody has opened the database for writing.
 */
final class RepairHead {
  private final RepositoryDirectory directory;
  private final Optional<HeadFile> file;
  private final List<DamagedItem> damage = new ArrayList<>();
  private final Optional<HeadSlot> newest;
  private final List<Path> unlisted = new ArrayList<>();
  private final boolean lost;

  private RepairHead(
      RepositoryDirectory directory, Optional<HeadFile> file, Optional<DamagedItem> lost) {
    this.directory = directory;
    this.file = file;
    HeadFile.State state =
        file.map(HeadFile::read).orElse(new HeadFile.State(Optional.empty(), List.of()));
    this.newest = state.newest();
    this.damage.addAll(state.damage());
    lost.ifPresent(damage::add);
    this.lost = lost.isPresent();
  }

  /** Of a repository of which nothing is known, or whose format has no such file. */
  static RepairHead none(RepositoryDirectory directory) {
    return new RepairHead(directory, Optional.empty(), Optional.empty());
  }

  /** Of a database whose list of tables is lost: every table is taken in. */
  static RepairHead withoutList(RepositoryDirectory directory, RepositoryConfig config) {
    return HeadFindings.hasHead(config)
        ? new RepairHead(
            directory,
            Optional.of(new HeadFile(directory, config.repositoryId())),
            Optional.empty())
        : none(directory);
  }

  /**
   * Compares the file with a database.
   *
   * @param copy the database as its list of tables says
   */
  static RepairHead of(RepositoryDirectory directory, RepositoryConfig config, Database copy) {
    if (!HeadFindings.hasHead(config)) {
      return none(directory);
    }
    HeadFile file = new HeadFile(directory, config.repositoryId());
    Optional<DamagedItem> lost = HeadFindings.of(config, file.read(), copy).lost();
    return new RepairHead(directory, Optional.of(file), lost);
  }

  /** What is wrong with the file, and what is lost. */
  List<DamagedItem> damage() {
    return damage;
  }

  /** Whether the database lacks commits that there were, or may do so. */
  boolean hasLost() {
    return lost;
  }

  /** Finds the tables of the database that its list does not name. */
  void findUnlisted(List<Path> tables, Set<String> listed) {
    for (Path table : tables) {
      if (!listed.contains("/" + table.getFileName())) {
        unlisted.add(table);
      }
    }
  }

  /** Whether there are tables that the list does not name: it may have lost its end. */
  boolean hasUnlisted() {
    return !unlisted.isEmpty();
  }

  /** The tables from which what was lost is put back. */
  List<Path> tablesToTakeIn() {
    return lost ? unlisted : List.of();
  }

  long spaceBytes() throws StoreException {
    long bytes = 0;
    try {
      for (Path table : tablesToTakeIn()) {
        bytes += Files.size(table);
      }
      return bytes;
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "reading its database's directory", e);
    }
  }

  /**
   * Takes the unlisted tables out of a copy, where they are links: RocksDB may give their names to
   * new files, and must not write into the old ones.
   */
  void unlink(Path copy) throws StoreException {
    try {
      for (Path table : unlisted) {
        Files.deleteIfExists(copy.resolve(table.getFileName()));
      }
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "deleting from a copy of its database", e);
    }
  }

  /** Number of the last commit that there was, as far as the file says. */
  long commits() {
    return newest.map(HeadSlot::commits).orElse(0L);
  }

  /** The first ordinal that was not leased then; those below it may have been given. */
  long nextOrdinal() {
    return newest.map(HeadSlot::nextOrdinal).orElse(1L);
  }

  /** Makes the file say what the repaired database has. Durable when this returns. */
  void write(long commits, long nextOrdinal) throws StoreException {
    if (file.isPresent() && commits > 0) {
      try {
        file.get().make(commits, nextOrdinal);
      } catch (IOException e) {
        throw StoreErrors.of(directory.location(), "writing head", e);
      }
    }
  }
}
