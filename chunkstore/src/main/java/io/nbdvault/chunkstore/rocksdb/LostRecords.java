package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.util.List;
import java.util.OptionalLong;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Flags the rows of the index whose records a repair has found lost, so that no backup takes the
 * content for stored, and lists every row that is flagged, so that none is built upon it: the list
 * may be lost, and a row may be back that was flagged before it was healed. That must be done
 * before anybody can open the repaired database.
 */
final class LostRecords {
  /**
   * Ordinals whose records lay in a table that was damaged.
   *
   * @param first the lowest
   * @param last the highest
   */
  record Range(long first, long last) {
    /** All that there are. */
    static final Range ALL = new Range(0, Long.MAX_VALUE);

    boolean contains(long ordinal) {
      return ordinal >= first && ordinal <= last;
    }
  }

  private LostRecords() {}

  /**
   * Flags those that lay in these ranges, and lists all.
   *
   * @param listed what is flagged again, as its row may have been made anew from a record that does
   *     not show what is wrong with it, or be an older one
   * @return how many were lost that were not flagged before
   */
  static long flag(Database database, List<Range> ranges, DamagedRows listed, RepairWriter writer)
      throws StoreException {
    Roaring64Bitmap whole = new Roaring64Bitmap();
    for (Range range : ranges) {
      RepairScan.forEach(
          database,
          Family.CHUNK,
          OrdinalKey.of(range.first()),
          OrdinalKey.of(range.last()),
          (key, record) -> wholeOrdinal(key, record).ifPresent(whole::addLong));
    }
    long[] flagged = new long[1];
    RepairScan.forEach(
        database,
        Family.INDEX,
        (key, value) -> {
          IndexRow row = IndexRow.ifWhole(value);
          if (row == null) {
            return;
          }
          if (row.damaged()) {
            DamagedRows.add(writer, key);
          } else if (isIn(ranges, row) && !whole.contains(row.ordinal())) {
            writer.put(Family.INDEX, key, row.asDamaged().encode());
            DamagedRows.add(writer, key);
            flagged[0]++;
          } else if (isListed(listed, key)) {
            writer.put(Family.INDEX, key, row.asDamaged().encode());
          }
        });
    writer.write();
    return flagged[0];
  }

  private static boolean isListed(DamagedRows listed, byte[] key) throws StoreException {
    try {
      return !listed.isEmpty() && listed.contains(IndexKey.decode(key));
    } catch (MalformedRecordException e) {
      // Nobody looks for it.
      return false;
    }
  }

  /** Of a record that is as good as lost there is none. */
  private static OptionalLong wholeOrdinal(byte[] key, byte[] record) {
    try {
      long ordinal = OrdinalKey.decode(key);
      ContentRecord.decode(record, record.length, ordinal);
      return OptionalLong.of(ordinal);
    } catch (MalformedRecordException e) {
      return OptionalLong.empty();
    }
  }

  private static boolean isIn(List<Range> ranges, IndexRow row) {
    return ranges.stream().anyMatch(range -> range.contains(row.ordinal()));
  }
}
