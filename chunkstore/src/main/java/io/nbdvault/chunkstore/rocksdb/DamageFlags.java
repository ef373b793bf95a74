package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.DamagedContent;
import io.nbdvault.chunkstore.DamagedException;
import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoreFailedException;
import io.nbdvault.chunkstore.format.IndexKey;
import io.nbdvault.chunkstore.format.IndexRow;
import io.nbdvault.chunkstore.format.OrdinalKey;
import io.nbdvault.chunkstore.format.RecordType;
import io.nbdvault.chunkstore.tree.Awaiting;
import java.util.Collection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flags damaged content in the index, so that it counts as absent and the next backup that meets it
 * stores it anew. What can still be read of its record is kept in quarantine first, because the new
 * record takes the old one's place.
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

  DamageFlags(
      Database database,
      ContentReader reader,
      Claims claims,
      StoreWriter writer,
      DamagedRows damaged,
      Quarantine quarantine) {
    this.database = database;
    this.reader = reader;
    this.claims = claims;
    this.writer = writer;
    this.damaged = damaged;
    this.quarantine = quarantine;
  }

  /**
   * Flags what is damaged still. The flags are durable when this returns.
   *
   * @return how much was flagged that was not before
   */
  long flag(Collection<DamagedContent> contents) throws StoreException {
    long flagged = 0;
    try {
      for (DamagedContent content : contents) {
        RecordType type = content.isNode() ? RecordType.NODE : RecordType.CHUNK;
        flagged += flag(new IndexKey(type, content.id())) ? 1 : 0;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreFailedException("Interrupted while flagging what is damaged.", e);
    }
    if (flagged > 0) {
      writer.run(database::flush);
    }
    return flagged;
  }

  private boolean flag(IndexKey key) throws StoreException, InterruptedException {
    Claim mine = new Claim(key, EPOCH);
    for (Claim first = claims.claim(mine); first != null; first = claims.claim(mine)) {
      if (first.awaitDecision() == Claim.Decision.SUBMITTED) {
        Awaiting.result(first.stored());
      }
    }
    Claim.Decision decision = Claim.Decision.ABANDONED;
    try {
      IndexRow row = reader.lookUp(key);
      if (row == null) {
        return addMissing(key);
      }
      if (row.damaged() || isWhole(key, row)) {
        return false;
      }
      keepRecord(key, row);
      writer.submit(new WriteTask.Refresh(mine, row.asDamaged()));
      decision = Claim.Decision.SUBMITTED;
    } catch (DamagedException e) {
      // The row itself cannot be read: only making the index anew helps.
      LOG.warn("flag=impossible what=\"{}\" reason=\"{}\"", e.what(), e.reason());
      return false;
    } finally {
      if (decision != Claim.Decision.SUBMITTED) {
        claims.end(mine);
      }
      mine.decide(decision);
    }
    Awaiting.result(mine.stored());
    LOG.info("flagged=\"{}\"", key);
    return true;
  }

  /** Without a row it counts as absent anyhow; but that something needs it must be known. */
  private boolean addMissing(IndexKey key) throws StoreException {
    if (damaged.contains(key)) {
      return false;
    }
    writer.run(
        () -> {
          try (Database.Batch batch = database.newBatch()) {
            damaged.add(batch, key);
            database.write(batch);
          }
        });
    LOG.info("flagged=\"{}\" row=missing", key);
    return true;
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
