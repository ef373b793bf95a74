package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.format.ContentRecord;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.rocksdb.RocksIterator;

/**
 * Flags the rows of the index whose records a repair has found lost, so that no backup takes the
 * content for stored. That must be done before anybody can open the repaired database.
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

  /** Flags them. Returns how many were not flagged before. */
  static long flag(Database database, List<Range> ranges, RepairWriter writer)
      throws StoreException {
    if (ranges.isEmpty()) {
      return 0;
    }
    Roaring64Bitmap whole = new Roaring64Bitmap();
    for (Range range : ranges) {
      database.iterate(Family.CHUNK, records -> addWhole(records, range, whole));
    }
    long[] flagged = new long[1];
    database.forEachReadable(
        Family.INDEX,
        (key, value) -> {
          IndexRow row = decode(value);
          if (row != null
              && !row.damaged()
              && isIn(ranges, row)
              && !whole.contains(row.ordinal())) {
            writer.put(Family.INDEX, key, row.asDamaged().encode());
            DamagedRows.add(writer, key);
            flagged[0]++;
          }
        });
    writer.write();
    return flagged[0];
  }

  private static void addWhole(RocksIterator records, Range range, Roaring64Bitmap whole) {
    for (records.seek(OrdinalKey.of(range.first())); records.isValid(); records.next()) {
      byte[] key = records.key();
      if (Arrays.compareUnsigned(key, OrdinalKey.of(range.last())) > 0) {
        return;
      }
      wholeOrdinal(key, records.value()).ifPresent(whole::addLong);
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

  private static @Nullable IndexRow decode(byte[] value) {
    try {
      return IndexRow.decode(value);
    } catch (MalformedRecordException e) {
      return null;
    }
  }
}
