package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.util.Arrays;

/**
 * Goes over rows in the order of their keys, {@link StoreLimits#SCAN_ROWS} at a time: nothing is
 * held in between, so a long scan keeps no file of the database from being deleted, and whoever is
 * shown a row may call the store. A row that is written meanwhile may be shown or not.
 */
final class PagedScan {
  /**
   * Is shown a row.
   *
   * @param <E> what else it throws
   */
  @FunctionalInterface
  interface Visitor<E extends Exception> {
    void visit(byte[] key, byte[] value) throws StoreException, E;
  }

  private PagedScan() {}

  /**
   * Shows the rows from one key up to, and without, another.
   *
   * @param what the work, for the message if the thread is interrupted
   */
  static <E extends Exception> void forEach(
      Database database, Family family, byte[] from, byte[] end, String what, Visitor<E> visitor)
      throws StoreException, E {
    byte[] next = from;
    while (true) {
      Interruption.check(what);
      Database.Rows rows = database.rows(family, next, end, StoreLimits.SCAN_ROWS);
      for (int i = 0; i < rows.count(); i++) {
        visitor.visit(rows.key(i), rows.value(i));
      }
      if (rows.count() < StoreLimits.SCAN_ROWS) {
        return;
      }
      byte[] last = rows.key(rows.count() - 1);
      next = Arrays.copyOf(last, last.length + 1);
    }
  }

  /**
   * Shows the rows whose keys begin in the same way.
   *
   * @param prefix its last byte must not be 255
   */
  static <E extends Exception> void forEach(
      Database database, Family family, byte[] prefix, String what, Visitor<E> visitor)
      throws StoreException, E {
    byte[] end = prefix.clone();
    end[end.length - 1]++;
    forEach(database, family, prefix, end, what, visitor);
  }
}
