package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.RepositoryConfig;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ConfigFile;
import io.nbdvault.chunkstore.format.MalformedRecordException;
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
   * Checks that the file's content is what the repository was created with.
   *
   * @throws DamagedException if it is not
   */
  static void check(Database database, RepositoryConfig config) throws StoreException {
    byte[] row = database.get(Family.DEFAULT, key());
    if (row == null) {
      throw new DamagedException("copy of config.json", OptionalLong.empty(), "is missing", null);
    }
    try {
      RepositoryConfig copy = ConfigFile.decode(row);
      if (!copy.equals(config)) {
        throw new DamagedException(
            "config.json", OptionalLong.empty(), config + " (expected: " + copy + ")", null);
      }
    } catch (MalformedRecordException e) {
      throw new DamagedException(
          "copy of config.json", OptionalLong.empty(), "" + e.getMessage(), e);
    }
  }
}
