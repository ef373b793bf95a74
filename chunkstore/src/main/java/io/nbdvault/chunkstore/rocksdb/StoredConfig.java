package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;

/**
 * The copy of the configuration in the database. A file that was changed, or that is another
 * repository's, is noticed before anything is written by it; a file that is lost can be made again.
 */
final class StoredConfig {
  private StoredConfig() {}

  static byte[] key() {
    return "config".getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Checks that the file's content is what the repository was created with. The format's version
   * may differ: whoever raises it changes the copy first, and may be killed before the file.
   *
   * @throws DamagedException if it is not
   */
  static void check(Database database, RepositoryConfig config) throws StoreException {
    RepositoryConfig copy = copy(database);
    if (!copy.upgraded().equals(config.upgraded())) {
      throw new DamagedException(
          "config.json", OptionalLong.empty(), config + " (expected: " + copy + ")", null);
    }
  }

  /**
   * Checks as {@link #check} does, and then raises the format's version to the one that this
   * version of the program writes. What an earlier version wrote stays as it is: it can be read.
   * Durable when this returns.
   *
   * @return the configuration as it is now
   */
  static RepositoryConfig checkAndUpgrade(Database database, RepositoryDirectory directory)
      throws StoreException {
    RepositoryConfig config = directory.readConfig();
    check(database, config);
    RepositoryConfig upgraded = config.upgraded();
    if (!copy(database).equals(upgraded)) {
      try (RowBatch batch = database.newBatch()) {
        batch.put(Family.DEFAULT, key(), ConfigFile.encode(upgraded));
        if (Counter.COMMITS.readIfThere(database).isEmpty()) {
          Counter.COMMITS.put(batch, 1);
        }
        database.write(batch);
      }
      database.flush();
    }
    if (!config.equals(upgraded)) {
      long commits = Counter.COMMITS.read(database);
      raiseFiles(directory, upgraded, commits, Counter.NEXT_ORDINAL.read(database));
    }
    return upgraded;
  }

  /**
   * Raises the version in the file, once the database has it. Durable when this returns.
   *
   * @param commits number of the last commit
   * @param nextOrdinal the first that was not leased
   */
  static void raiseFiles(
      RepositoryDirectory directory, RepositoryConfig upgraded, long commits, long nextOrdinal)
      throws StoreException {
    try {
      // First, or a reader would miss it as soon as the version says that it is there.
      new HeadFile(directory, upgraded.repositoryId()).make(commits, nextOrdinal);
      directory.writeConfig(upgraded);
    } catch (IOException e) {
      throw StoreErrors.of(directory.location(), "raising its format's version", e);
    }
  }

  static RepositoryConfig copy(Database database) throws StoreException {
    byte[] row = database.get(Family.DEFAULT, key());
    if (row == null) {
      throw new DamagedException("copy of config.json", OptionalLong.empty(), "is missing", null);
    }
    try {
      int version = ConfigFile.formatVersion(row);
      if (version > RepositoryConfig.FORMAT_VERSION) {
        throw new DamagedException(
            "copy of config.json", OptionalLong.empty(), "format version " + version, null);
      }
      return ConfigFile.decode(row);
    } catch (MalformedRecordException e) {
      throw new DamagedException(
          "copy of config.json", OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }
}
