package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.MalformedRecordException;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.tree.Awaiting;
import java.util.Collection;
import java.util.HexFormat;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.roaringbitmap.longlong.Roaring64Bitmap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flags damaged content in the index, so that it counts as absent and the next backup that meets it
 * stores it anew. What can still be read of its record is kept in quarantine first, because the old
 * record is collected once there is a new one.
 *
 * <p>A row of the index that is damaged itself is made anew where the record that it belongs to is
 * found. Where not, the row is taken away. That is safe: as long as a snapshot needs the content,
 * no collection begins to delete before a backup has stored it anew or a repair has found its
 * record. What a running session has met no snapshot needs yet, and what was committed since a
 * collection began is not in its marks. So while there is a session or a collection, or a killed
 * sweep that is to go on with its marks, the row stays: no scan gets past it.
 */
final class DamageFlags {
  private static final Logger LOG = LoggerFactory.getLogger(DamageFlags.class);

  /** Earlier than any session: whoever puts the content meanwhile waits, and then looks again. */
  private static final long EPOCH = 0;

  private final Database database;
  private final ContentReader reader;
  private final Claims claims;
  private final StoreWriter writer;
  private final DamagedRows damaged;
  private final Quarantine quarantine;
  private final BooleanSupplier unmarked;

  /**
   * Makes one.
   *
   * @param unmarked whether sessions run, or if not, whether a collection does
   */
  DamageFlags(
      Database database,
      ContentReader reader,
      Claims claims,
      StoreWriter writer,
      DamagedRows damaged,
      Quarantine quarantine,
      BooleanSupplier unmarked) {
    this.database = database;
    this.reader = reader;
    this.claims = claims;
    this.writer = writer;
    this.damaged = damaged;
    this.quarantine = quarantine;
    this.unmarked = unmarked;
  }

  /**
   * Flags what is damaged still. The flags are durable when this returns.
   *
   * @return how much was flagged that was not before, or mended
   */
  long flag(Collection<DamagedContent> contents) throws StoreException {
    return flagAll(
        () -> {
          long flagged = 0;
          for (DamagedContent content : contents) {
            RecordType type = content.isNode() ? RecordType.NODE : RecordType.CHUNK;
            flagged += flag(new IndexKey(type, content.id())) ? 1 : 0;
          }
          return flagged;
        });
  }

  /**
   * Does the same with the content of these ordinals, however much it is: goes over the index, some
   * rows at a time.
   */
  long flag(Roaring64Bitmap ordinals) throws StoreException {
    return ordinals.isEmpty() ? 0 : flagAll(() -> flagByIndex(ordinals));
  }

  /** Flags, one by one. */
  @FunctionalInterface
  private interface Flagging {
    long run() throws StoreException, InterruptedException;
  }

  private long flagAll(Flagging flagging) throws StoreException {
    long flagged;
    try {
      flagged = flagging.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while flagging what is damaged.", e);
    }
    if (flagged > 0) {
      writer.run(database::flush);
      LOG.info("flagged={}", flagged);
    }
    return flagged;
  }

  private long flagByIndex(Roaring64Bitmap ordinals) throws StoreException, InterruptedException {
    long[] flagged = new long[1];
    PagedScan.<InterruptedException>forEach(
        database,
        Family.INDEX,
        new byte[0],
        new byte[] {(byte) 0xff},
        "flagging what is damaged",
        (key, value) -> {
          IndexRow row = IndexRow.ifWhole(value);
          if (row != null && ordinals.contains(row.ordinal())) {
            flagged[0] += flag(key) ? 1 : 0;
          }
        });
    return flagged[0];
  }

  private boolean flag(byte[] keyBytes) throws StoreException, InterruptedException {
    try {
      return flag(IndexKey.decode(keyBytes));
    } catch (MalformedRecordException e) {
      LOG.warn("flag=impossible key={}", HexFormat.of().formatHex(keyBytes), e);
      return false;
    }
  }

  private boolean flag(IndexKey key) throws StoreException, InterruptedException {
    Claim mine = new Claim(key, EPOCH);
    for (Claim first = claims.claim(mine); first != null; first = claims.claim(mine)) {
      if (first.awaitDecision() == Claim.Decision.SUBMITTED) {
        Awaiting.result(first.stored());
      }
    }
    WriteTask.@Nullable RowTask submitted = null;
    try {
      byte[] row = reader.rowBytes(key);
      if (row == null) {
        return addMissing(key);
      }
      WriteTask.RowTask mending = mending(mine, row);
      if (mending == null) {
        return false;
      }
      if (mending instanceof WriteTask.Removal && mustStay()) {
        LOG.info("row-removal=later what=\"{}\" reason=session-or-collection", key);
        return addMissing(key);
      }
      writer.submit(mending);
      submitted = mending;
    } catch (DamagedException e) {
      // The row cannot be read at all: only a repair of its file helps.
      LOG.warn("flag=impossible what=\"{}\" reason=\"{}\"", e.what(), e.reason());
      return false;
    } finally {
      if (submitted == null) {
        claims.end(mine);
        mine.decide(Claim.Decision.ABANDONED);
      } else if (submitted instanceof WriteTask.Refresh) {
        mine.decide(Claim.Decision.SUBMITTED);
      }
    }
    Awaiting.result(mine.stored());
    if (submitted instanceof WriteTask.Removal) {
      return addMissing(key);
    }
    LOG.trace("flagged=\"{}\"", key);
    return true;
  }

  /**
   * Whether something may rely on the row's record that a collection does not know of. Nobody comes
   * to rely on it while its id is claimed.
   */
  private boolean mustStay() throws StoreException {
    return unmarked.getAsBoolean() || database.get(Family.DEFAULT, Collector.key()) != null;
  }

  /** Without a row it counts as absent anyhow; but that something needs it must be known. */
  private boolean addMissing(IndexKey key) throws StoreException {
    if (damaged.contains(key)) {
      return false;
    }
    writer.run(
        () -> {
          try (RowBatch batch = database.newBatch()) {
            damaged.add(batch, key);
            database.write(batch);
          }
        });
    LOG.trace("flagged=\"{}\" row=missing", key);
    return true;
  }

  /** What is to be written instead of a row; null if nothing is wrong, or it is flagged already. */
  private WriteTask.@Nullable RowTask mending(Claim mine, byte[] bytes) throws StoreException {
    IndexKey key = mine.key();
    IndexRow row = IndexRow.ifWhole(bytes);
    if (row == null) {
      IndexRow recovered = reader.recover(key, bytes);
      if (recovered != null) {
        return new WriteTask.Refresh(mine, withFlag(key, recovered));
      }
      quarantine.keep(key.id() + ".row", bytes);
      return new WriteTask.Removal(mine);
    }
    long epochMax = reader.epoch();
    if (row.epoch() > epochMax) {
      IndexRow known = row.withEpoch(epochMax);
      return new WriteTask.Refresh(mine, known.damaged() ? known : withFlag(key, known));
    }
    if (row.damaged()) {
      // What is flagged must be listed, too: a repair may have lost the list.
      return damaged.contains(key) ? null : new WriteTask.Refresh(mine, row);
    }
    if (isWhole(key, row)) {
      return null;
    }
    keepRecord(key, row);
    return new WriteTask.Refresh(mine, row.asDamaged());
  }

  private IndexRow withFlag(IndexKey key, IndexRow row) throws StoreException {
    if (isWhole(key, row)) {
      return row;
    }
    keepRecord(key, row);
    return row.asDamaged();
  }

  private boolean isWhole(IndexKey key, IndexRow row) throws StoreException {
    try {
      reader.check(key, row, false);
      return true;
    } catch (DamagedException | StoreFailedException e) {
      // A disk that cannot be read is as damaged as one that gives wrong bytes.
      return false;
    }
  }

  private void keepRecord(IndexKey key, IndexRow row) throws StoreException {
    byte[] record;
    try {
      record = database.get(Family.CHUNK, OrdinalKey.of(row.ordinal()));
    } catch (DamagedException | StoreFailedException e) {
      // RocksDB does not give a block away whose checksum is wrong; its file is kept by a repair.
      return;
    }
    if (record != null) {
      quarantine.keep(row.ordinal() + "-" + key.id() + ".record", record);
    }
  }
}
