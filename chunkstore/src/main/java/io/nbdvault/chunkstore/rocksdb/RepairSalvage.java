package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.RepairListener;
import io.nbdvault.chunkstore.StoreException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.rocksdb.RocksDBException;

/** Puts the rows back that tables still give, and counts what they do not give of the catalog. */
final class RepairSalvage {
  private static final String ANY = "snapshots that are not known";

  private final RepairRows rows;
  private final RepairLosses losses;
  private final RepairListener listener;

  RepairSalvage(RepairRows rows, RepairLosses losses, RepairListener listener) {
    this.rows = rows;
    this.losses = losses;
    this.listener = listener;
  }

  /** Takes in a table that the database's list names. */
  void of(RepairDiagnosis.BadTable bad, Path file) throws StoreException {
    String range = RepairLosses.range(bad.file().smallestKey(), bad.file().largestKey());
    try {
      read(file, range);
    } catch (RocksDBException e) {
      // Nothing of it can be read. That it is damaged was told.
      if (bad.family() == Family.CATALOG) {
        losses.rowsOfCatalog(name(file), 0, range);
      }
    }
  }

  /** Takes in a table of which nothing is known but what it says itself. */
  void of(Path file) throws StoreException {
    try {
      read(file, ANY);
    } catch (RocksDBException e) {
      losses.file(name(file), "" + e.getMessage());
    }
  }

  private void read(Path file, String range) throws StoreException, RocksDBException {
    listener.onProgress("reading " + file.getFileName(), 0, 0);
    try (RepairTable table = RepairTable.open(file)) {
      Family family = table.family().orElse(null);
      if (family == null) {
        losses.file(name(file), "it does not say what is in it");
        return;
      }
      // Only of the catalog, which has a row or two for each snapshot.
      Set<ByteBuffer> read = new HashSet<>();
      boolean all =
          table.forEachReadable(
              (key, value) -> {
                rows.takeIn(family, key, value);
                if (family == Family.CATALOG) {
                  read.add(ByteBuffer.wrap(key));
                }
              });
      rows.write();
      if (family == Family.CATALOG && !all) {
        losses.rowsOfCatalog(name(file), table.rows() - read.size(), range);
      }
    }
  }

  /**
   * What is still missing of the records of these tables: one pass over the index for all of them.
   */
  Roaring64Bitmap missingOf(List<RepairDiagnosis.BadTable> tables) throws StoreException {
    OrdinalRanges ranges = new OrdinalRanges();
    for (RepairDiagnosis.BadTable bad : tables) {
      if (bad.family() == Family.CHUNK) {
        ranges.add(first(bad), last(bad));
      }
    }
    return ranges.isEmpty() ? new Roaring64Bitmap() : rows.namedAndMissing(ranges);
  }

  /**
   * Asks a table of records for those that are missing. Where much of it cannot be read, what lies
   * in between is found for certain only by its key.
   */
  void missing(Roaring64Bitmap missing, RepairDiagnosis.BadTable bad, Path file)
      throws StoreException {
    if (bad.family() != Family.CHUNK) {
      return;
    }
    try (RepairTable table = RepairTable.open(file)) {
      table.forEachOf(
          missing, first(bad), last(bad), (key, record) -> rows.takeIn(Family.CHUNK, key, record));
      rows.write();
    } catch (RocksDBException e) {
      // Nothing of it can be read, which was told.
      return;
    }
  }

  private static long first(RepairDiagnosis.BadTable bad) {
    return RepairTable.prefix(bad.file().smallestKey());
  }

  private static long last(RepairDiagnosis.BadTable bad) {
    return RepairTable.prefix(bad.file().largestKey());
  }

  private static String name(Path file) {
    return "file db/" + file.getFileName();
  }
}
