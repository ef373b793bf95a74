package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.StoreException;
import io.nbdvault.chunkstore.StoredChunk;
import io.nbdvault.chunkstore.format.IndexRow;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the writer thread is asked to do, in the order in which it was asked. */
sealed interface WriteTask {
  /** A change of the row of one id, whose claim ends when it is written. Many make one batch. */
  sealed interface RowTask extends WriteTask {
    /** The claim of the row's id. */
    Claim claim();

    /** How much of the queue's room it takes, in bytes. */
    int queueBytes();

    /** What the claim completes with. */
    StoredChunk outcome();
  }

  /** Write a chunk or a node. */
  final class Content implements RowTask {
    private final Claim claim;
    private final int plainLength;
    private final byte[] record;
    private final long epoch;
    private final boolean heals;

    private Content(Claim claim, int plainLength, byte[] record, long epoch, boolean heals) {
      this.claim = claim;
      this.plainLength = plainLength;
      this.record = record;
      this.epoch = epoch;
      this.heals = heals;
    }

    /**
     * Of content that the store does not have.
     *
     * @param claim of its content
     * @param plainLength bytes when decompressed
     * @param record complete but for its checksum, which depends on the ordinal; now the task's
     */
    static Content isNew(Claim claim, int plainLength, byte[] record) {
      return new Content(claim, plainLength, record, claim.epoch(), false);
    }

    /**
     * Of content whose record is damaged. The new record gets an ordinal of its own: where the old
     * one lies there may be a block that cannot be read, and whatever is written there makes the
     * database read it. What is left of the old record has no row, and is collected.
     *
     * <p>Snapshots need the content already, and a collection that is under way may have marked the
     * old ordinal for them. So the row gets the epoch in which it is written: if a collection has
     * begun, that is not below its cutoff; if none has, its mark will see the row. It never goes
     * down either: a session that began later may rely on it.
     *
     * @param damaged the row
     */
    static Content heals(Claim claim, int plainLength, byte[] record, IndexRow damaged) {
      long epoch = Math.max(claim.epoch(), damaged.epoch());
      return new Content(claim, plainLength, record, epoch, true);
    }

    /**
     * Of content whose row is damaged, so that neither its ordinal nor its epoch is known: a
     * session that began later may have relied on it.
     *
     * @param epoch the store's, which is that of no session that runs, or later
     */
    static Content replaces(Claim claim, int plainLength, byte[] record, long epoch) {
      return new Content(claim, plainLength, record, Math.max(claim.epoch(), epoch), true);
    }

    @Override
    public Claim claim() {
      return claim;
    }

    int plainLength() {
      return plainLength;
    }

    byte[] record() {
      return record;
    }

    /**
     * The epoch that the row gets.
     *
     * @param present the store's epoch when the row is written
     */
    long epoch(long present) {
      return heals ? Math.max(epoch, present) : epoch;
    }

    @Override
    public int queueBytes() {
      return record.length;
    }

    @Override
    public StoredChunk outcome() {
      return new StoredChunk(claim.key().id(), StoredChunk.Outcome.NEW, record.length);
    }
  }

  /**
   * Give the row of content that is there the epoch of who relies on it now.
   *
   * @param claim of its content
   * @param row as it will be
   */
  record Refresh(Claim claim, IndexRow row) implements RowTask {
    @Override
    public int queueBytes() {
      return IndexRow.BYTES;
    }

    @Override
    public StoredChunk outcome() {
      return new StoredChunk(claim.key().id(), StoredChunk.Outcome.DUPLICATE, 0);
    }
  }

  /**
   * Take the row of content away that nothing needs any more. Whoever meets the content meanwhile
   * waits, and then stores it anew.
   *
   * @param claim of its content, undecided
   */
  record Removal(Claim claim) implements RowTask {
    @Override
    public int queueBytes() {
      return IndexRow.BYTES;
    }

    @Override
    public StoredChunk outcome() {
      return new StoredChunk(claim.key().id(), StoredChunk.Outcome.DUPLICATE, 0);
    }
  }

  /** Something that is done on its own, after everything that was asked before. */
  final class Step implements WriteTask {
    /** What is done. */
    @FunctionalInterface
    interface Action {
      void run() throws StoreException;
    }

    private final Action action;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

    Step(Action action) {
      this.action = action;
    }

    Action action() {
      return action;
    }

    /** Completes when it is done. */
    CompletableFuture<@Nullable Void> done() {
      return done;
    }
  }

  /** End. Nothing is asked after this. */
  record Stop() implements WriteTask {}
}
