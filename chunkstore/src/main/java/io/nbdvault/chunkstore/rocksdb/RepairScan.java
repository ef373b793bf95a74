package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Goes over the rows of a database that is being repaired. Its files were found whole, or replaced,
 * just before, so a row that cannot be read is an error of the disk: to take what was read until
 * then for all that there is would be to repair by what is missing.
 */
final class RepairScan {
  private static final byte[] FIRST = {};

  private RepairScan() {}

  /** What is thrown where the rows of a family end early, though its files are whole. */
  static StoreFailedException diskError(Family family, String failure) {
    return new StoreFailedException(
        "The disk gave an error during the repair (reading family "
            + family.nameInDatabase()
            + ": "
            + failure
            + "). The database was left as it was; look after the disk, and repair again.",
        null);
  }

  /**
   * Shows all rows of a family, in the order of their keys.
   *
   * @throws StoreFailedException if not all can be read
   */
  static void forEach(Database database, Family family, Database.RowVisitor visitor)
      throws StoreException {
    forEach(database, family, FIRST, null, visitor);
  }

  /**
   * The same, of the rows from one key to another, both included; to the end where that is null.
   */
  static void forEach(
      Database database,
      Family family,
      byte[] first,
      byte @Nullable [] last,
      Database.RowVisitor visitor)
      throws StoreException {
    database.iterate(
        family,
        rows -> {
          for (rows.seek(first); rows.isValid(); rows.next()) {
            byte[] key = rows.key();
            if (last != null && Arrays.compareUnsigned(key, last) > 0) {
              return;
            }
            visitor.visit(key, rows.value());
          }
          String failure = database.failure(rows);
          if (failure != null) {
            throw diskError(family, failure);
          }
        });
  }
}
