package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.DamagedItem;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.roaringbitmap.longlong.PeekableLongIterator;
import org.rocksdb.RocksIterator;

/**
 * Reads the records of family {@code chunk} in the order in which they lie on the disk, those that
 * are wanted. A block that cannot be read makes the iterator useless: then the record is asked for
 * by itself, and the iterator is put behind it.
 */
final class VerifyReader {
  /** From here on jumping is cheaper than passing over records. */
  private static final int PASSED_OVER_MAX = 8;

  private final Database database;
  private final ChunkTables tables;
  private final PeekableLongIterator wanted;
  private final VerifyFindings findings;

  /** The caller's thread alone reads, so what is known of the iterator need not be guarded. */
  private long at;

  private boolean positioned;

  /** The files that there are, once somebody has asked for them in a batch. */
  private List<Database.Table> files = List.of();

  /**
   * Makes a reader.
   *
   * @param dir of the database
   */
  VerifyReader(Database database, Path dir, PeekableLongIterator wanted, VerifyFindings findings) {
    this.database = database;
    this.tables = new ChunkTables(database, dir);
    this.wanted = wanted;
    this.findings = findings;
  }

  boolean hasNext() {
    return wanted.hasNext();
  }

  /** Fills a batch. What is missing or cannot be read is told to the findings instead. */
  void fill(VerifyBatch batch) throws StoreException {
    positioned = false;
    files = List.of();
    database.iterate(
        Family.CHUNK,
        rows -> {
          while (wanted.hasNext() && !batch.isFull()) {
            read(rows, wanted.next(), batch);
          }
        });
  }

  private void read(RocksIterator rows, long ordinal, VerifyBatch batch) throws StoreException {
    if (!moveTo(rows, ordinal)) {
      readAlone(ordinal, batch, String.valueOf(database.failure(rows)));
    } else if (at == ordinal) {
      int length = rows.value(batch.bytes(), batch.end(), batch.room());
      add(batch, ordinal, length);
    } else {
      findings.suspect(ordinal, "its record is missing");
    }
  }

  /** Puts the iterator at the ordinal or behind it. Returns false if it cannot say. */
  private boolean moveTo(RocksIterator rows, long ordinal) throws StoreException {
    for (int passed = 0; positioned && at < ordinal; passed++) {
      if (passed == PASSED_OVER_MAX) {
        positioned = false;
      } else {
        rows.next();
        look(rows);
      }
    }
    if (!positioned) {
      rows.seek(OrdinalKey.of(ordinal));
      look(rows);
    }
    return positioned;
  }

  private void look(RocksIterator rows) throws StoreException {
    positioned = true;
    if (rows.isValid()) {
      at = ByteBuffer.wrap(rows.key()).getLong();
    } else if (database.failure(rows) == null) {
      at = Long.MAX_VALUE;
    } else {
      positioned = false;
    }
  }

  private void readAlone(long ordinal, VerifyBatch batch, String failure) throws StoreException {
    boolean named = nameTables(ordinal);
    byte[] record;
    try {
      record = database.get(Family.CHUNK, OrdinalKey.of(ordinal));
    } catch (DamagedException | StoreFailedException e) {
      findings.suspect(ordinal, "" + e.getMessage());
      return;
    }
    if (!named) {
      // What the iterator could not pass is not this record, and no block of a file.
      findings.item("records near ordinal " + ordinal, failure);
    }
    if (record == null) {
      findings.suspect(ordinal, "its record is missing");
    } else {
      int length = Math.min(record.length, batch.room());
      System.arraycopy(record, 0, batch.bytes(), batch.end(), length);
      add(batch, ordinal, record.length);
    }
  }

  /** Says which files are damaged where it could not read. Returns whether it is because of one. */
  private boolean nameTables(long ordinal) throws StoreException {
    if (files.isEmpty()) {
      files = tables.list().ascending();
    }
    List<DamagedItem> damaged = tables.damagedAt(ordinal, files);
    for (DamagedItem file : damaged) {
      findings.item(file.what(), file.reason());
    }
    return !damaged.isEmpty();
  }

  private void add(VerifyBatch batch, long ordinal, int length) {
    if (length > batch.room()) {
      findings.suspect(ordinal, "its record has " + length + " bytes");
    } else {
      batch.add(ordinal, length);
    }
  }
}
