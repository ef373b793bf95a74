package io.nbdvault.chunkstore.rocksdb;

import io.nbdvault.chunkstore.SnapshotId;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the writer thread is asked to do, in the order in which it was asked. */
sealed interface WriteTask {
  /** Write a chunk or a node. */
  final class Content implements WriteTask {
    private final Claim claim;
    private final int plainLength;
    private final byte[] record;

    /**
     * Makes the task.
     *
     * @param claim of its content
     * @param plainLength bytes when decompressed
     * @param record complete but for its checksum, which depends on the ordinal; now the task's
     */
    Content(Claim claim, int plainLength, byte[] record) {
      this.claim = claim;
      this.plainLength = plainLength;
      this.record = record;
    }

    Claim claim() {
      return claim;
    }

    int plainLength() {
      return plainLength;
    }

    byte[] record() {
      return record;
    }
  }

  /** Make a snapshot durable, with all that was asked before. */
  final class Commit implements WriteTask {
    private final SnapshotId id;
    private final byte[] row;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

    /**
     * Makes the task.
     *
     * @param row the snapshot's catalog row, now the task's
     */
    Commit(SnapshotId id, byte[] row) {
      this.id = id;
      this.row = row;
    }

    SnapshotId id() {
      return id;
    }

    byte[] row() {
      return row;
    }

    /** Completes when the snapshot is durable. */
    CompletableFuture<@Nullable Void> done() {
      return done;
    }
  }

  /** End. Nothing is asked after this. */
  record Stop() implements WriteTask {}
}
