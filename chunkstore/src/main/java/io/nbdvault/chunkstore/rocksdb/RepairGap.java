package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.rocksdb.SstFileReaderIterator;

/**
 * Looks for rows in a part of a table at both of whose ends lies a block that cannot be read.
 * RocksDB has no way from one block to the next that does not read the first, so it asks for keys:
 * in the middle, in the middle of each half, and so on, until every key was asked for or ruled out.
 * The keys are numbers here, unsigned: their first 8 bytes, which is all there is to a record's.
 */
final class RepairGap {
  /**
   * Most keys that are asked for, each of which may read a block: a fraction of a second in all.
   * Enough for every ordinal in some blocks of the smallest records; where more cannot be read,
   * larger parts come before smaller ones.
   */
  private static final int PROBES_MAX = 1 << 12;

  private final SstFileReaderIterator rows;
  private final Database.RowVisitor visitor;
  private final Queue<Part> parts = new ArrayDeque<>();

  /** Keys of which nothing is known, both ends included. */
  private record Part(long first, long last) {}

  RepairGap(SstFileReaderIterator rows, Database.RowVisitor visitor) {
    this.rows = rows;
    this.visitor = visitor;
  }

  /** Shows the rows from one key to another that can be read. */
  void search(long first, long last) throws StoreException {
    add(first, last);
    for (int probes = 0; probes < PROBES_MAX && !parts.isEmpty(); probes++) {
      probe(parts.remove());
    }
  }

  private void add(long first, long last) {
    if (Long.compareUnsigned(first, last) <= 0) {
      parts.add(new Part(first, last));
    }
  }

  private void probe(Part part) throws StoreException {
    long middle = part.first() + ((part.last() - part.first()) >>> 1);
    seek(middle);
    if (rows.isValid()) {
      if (Long.compareUnsigned(key(), part.last()) <= 0) {
        showAround(middle, part);
      } else {
        addBelow(middle, part);
      }
      return;
    }
    boolean isEnd = RepairTable.isWhole(rows);
    addBelow(middle, part);
    if (!isEnd && middle != part.last()) {
      add(middle + 1, part.last());
    }
  }

  private void addBelow(long middle, Part part) {
    if (middle != part.first()) {
      add(part.first(), middle - 1);
    }
  }

  /** Shows the rows from the one that was found, in both directions, up to what cannot be read. */
  private void showAround(long middle, Part part) throws StoreException {
    long lowest = key();
    long highest = lowest;
    for (; rows.isValid() && Long.compareUnsigned(key(), part.last()) <= 0; rows.next()) {
      highest = key();
      visitor.visit(rows.key(), rows.value());
    }
    if (!rows.isValid() && !RepairTable.isWhole(rows) && highest != part.last()) {
      add(highest + 1, part.last());
    }
    seek(middle);
    for (; rows.isValid() && Long.compareUnsigned(key(), part.first()) >= 0; rows.prev()) {
      lowest = key();
      visitor.visit(rows.key(), rows.value());
    }
    if (!rows.isValid() && !RepairTable.isWhole(rows) && lowest != part.first()) {
      add(part.first(), lowest - 1);
    }
  }

  private void seek(long key) {
    rows.seek(ByteBuffer.allocate(Long.BYTES).putLong(key).array());
  }

  private long key() {
    return RepairTable.prefix(rows.key());
  }
}
