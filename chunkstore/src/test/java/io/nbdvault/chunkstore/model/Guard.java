package io.nbdvault.chunkstore.model;

/**
 * One rule of the design each, which the model asks for at the place where it applies; what is said
 * of it here is what happens there without it.
 */
enum Guard {
  // The gate.
  /**
   * The gate gives a cutoff above the present epoch, but new sessions still get the present one.
   */
  EPOCH_BUMP_AT_GATE(Effect.LOST),
  /** The new epoch is in memory only: a killed sweep goes on with a cutoff above all epochs. */
  EPOCH_BUMP_IS_WRITTEN(Effect.LOST),
  /** The epoch does not move, and neither does the cutoff: what this process left stays. */
  CUTOFF_RISES(Effect.LEFT),
  /** The cutoff is the new epoch, whatever the epochs of running sessions. */
  CUTOFF_INCLUDES_RUNNING_SESSIONS(Effect.LOST),
  /** The sweep takes what would be the cutoff now for each row. */
  CUTOFF_FROZEN(Effect.LOST),
  /** The roots are listed, then others pass the gate, then the cutoff is taken. */
  GATE_IS_ONE_STEP(Effect.LOST),
  /** A session takes its epoch, then a collection passes the gate, then it registers. */
  EPOCH_FIXED_UNDER_GATE(Effect.LOST),
  /** A session chooses its parent, then others pass the gate, then it registers. */
  PARENT_PINNED_UNDER_GATE(Effect.LOST),
  /** Parents of running sessions that are forgotten are condemned like others. */
  PINNED_PARENTS_ARE_ROOTS(Effect.LOST),
  /** A reader finds its snapshot, then others pass the gate, then it registers. */
  READERS_PIN_UNDER_GATE(Effect.LOST),
  /** Snapshots in readers that are forgotten are condemned like others. */
  READERS_ARE_ROOTS(Effect.LOST),
  /** A session unregisters when it asks for its commit. */
  SESSION_REGISTERED_UNTIL_COMMITTED(Effect.LOST),
  /** Forgetting and bringing back read the catalog, then others pass the gate, then they write. */
  CATALOG_CHANGES_PASS_THE_GATE(Effect.LOST),

  // Deduplication.
  /** A hit leaves the epoch of a chunk's row as it is. */
  REFRESH_ON_HIT(Effect.LOST),
  /** A hit leaves the epoch of a node's row as it is. */
  REFRESH_OF_NODES(Effect.LOST),
  /** A leaf that is hit is taken for a sign that its chunks are there. */
  NODE_HIT_SAYS_NOTHING_OF_CHILDREN(Effect.LOST),
  /**
   * Content that heals gets a new ordinal, which a mark that is under way does not know, and its
   * row the epoch of the session, which may be below the cutoff.
   */
  HEALED_ROWS_HAVE_THE_PRESENT_EPOCH(Effect.LOST),
  /** A session follows the claim of any other session. */
  FOLLOW_ONLY_NEWER_CLAIMS(Effect.LOST),
  /** A session that meets the sweep's claim takes the content for stored. */
  SWEEP_IS_NEVER_FOLLOWED(Effect.LOST),
  /** A session that meets another's claim goes on as if that had been successful. */
  SECOND_WAITS_FOR_FIRST(Effect.LOST),
  /** A session waits for another's claim, but does not ask how it ended. */
  SECOND_STORES_IF_FIRST_FAILS(Effect.LOST),
  /** The look-up comes before the claim. */
  CLAIM_SPANS_THE_LOOK_UP(Effect.LOST),
  /** The claim ends when the write has been asked for. */
  CLAIM_SPANS_THE_WRITE(Effect.LOST),
  /** A row that is flagged damaged is a hit like others. */
  FLAGGED_COUNTS_AS_ABSENT(Effect.LOST),
  /** Flagging a row reads it, then others run, then it is written back with the flag. */
  FLAGGING_TAKES_CLAIMS(Effect.LOST),
  /**
   * A verification takes damaged rows away beside sessions: a mark does not miss what only they
   * have put, and no row stops the scan any more.
   */
  ROWS_STAY_BESIDE_SESSIONS(Effect.LOST),
  /** The same beside a collection, whose mark knows nothing of what is committed after its gate. */
  ROWS_STAY_BESIDE_COLLECTION(Effect.LOST),
  /** The same though a sweep that was killed is to go on with the marks that it had. */
  ROWS_STAY_UNTIL_KILLED_SWEEP_ENDS(Effect.LOST),

  // The mark.
  /** The mark may end early. */
  COMPLETE_MARK_BEFORE_SWEEP(Effect.LOST),
  /** The mark passes over a node that cannot be read. */
  DAMAGED_NODE_STOPS(Effect.LOST),
  /** The mark passes over a chunk that has no row that can be read: its record may be there. */
  CHUNK_WITHOUT_ROW_STOPS(Effect.LOST),
  /** Snapshots are condemned in memory only. */
  CONDEMNED_DURABLE_BEFORE_SWEEP(Effect.LOST),
  /** A mark that is stopped lifts all condemnations, not only those that it has pronounced. */
  ONLY_OWN_CONDEMNED_ARE_LIFTED(Effect.LOST),
  /** A condemned snapshot can be brought back. */
  UNDELETE_REFUSES_CONDEMNED(Effect.LOST),
  /** A condemned snapshot can be read, or be a parent. */
  CONDEMNED_CANNOT_BE_OPENED(Effect.LOST),

  // The sweep.
  /** The scan passes over rows that cannot be read: their records do not count as live. */
  DAMAGED_ROW_STOPS_SCAN(Effect.LOST),
  /** The sweep deletes rows that are claimed, and claims none. */
  SWEEP_TAKES_CLAIMS(Effect.LOST),
  /** The sweep goes by the row as it was when the scan began. */
  SWEEP_REREADS(Effect.LOST),
  /** A row that stays because it is claimed is not noted as live. */
  CLAIMED_ROWS_ARE_LIVE(Effect.LOST),
  /** Ordinals are swept before rows. */
  ROWS_BEFORE_ORDINALS(Effect.LOST),
  /** Ordinals are swept that were given after the gate. */
  ORDINALS_BEFORE_END_ONLY(Effect.LOST),
  /** The sweep's end is the end of the lease: what is given during the sweep lies below it. */
  END_IS_BELOW_WHAT_IS_TO_BE_GIVEN(Effect.LOST),
  /** The sweep's end lies above an ordinal that is given but whose row is not written. */
  END_IS_BELOW_WHAT_IS_TO_BE_WRITTEN(Effect.LOST),
  /** An ordinal is one more than the highest that is in use. */
  ORDINALS_NEVER_REUSED(Effect.LOST),
  /** Only the ordinals of the rows that this sweep has deleted are swept. */
  EVERY_ORDINAL_WITHOUT_ROW_IS_SWEPT(Effect.LEFT),
  /** Files of dead ordinals are dropped, at once and for good, before the deletes are durable. */
  FLUSH_BEFORE_FILES_ARE_DROPPED(Effect.LOST),
  /** A sweep that was killed goes on at the row where it was. */
  RESUMED_SCAN_BEGINS_AGAIN(Effect.LOST),
  /** A sweep that was killed goes on with whatever the file of its marks holds. */
  SAVED_MARKS_ARE_CHECKED(Effect.LOST),
  /** A collection goes on though the store has failed. */
  FAILED_STORE_STOPS_COLLECTION(Effect.LOST),

  // Durability.
  /** The index row is written before the record. */
  ROW_AND_RECORD_TOGETHER(Effect.LOST),
  /** A commit overtakes what its session has put. */
  COMMIT_FOLLOWS_PUTS(Effect.LOST),
  /** A commit flushes the catalog before the other families. */
  FLUSH_IS_ATOMIC(Effect.LOST),
  /** A commit makes durable what its own session has written. */
  COMMIT_FLUSHES_WHAT_IT_RELIES_ON(Effect.LOST),
  /** Forgetting returns before it is durable. */
  FORGET_DURABLE(Effect.UNDONE),
  /** Bringing back returns before it is durable. */
  UNDELETE_DURABLE(Effect.UNDONE),

  // What the model shows to be covered by other guards.
  /**
   * The epoch stays when the store is opened. What a crash takes is the end of one sequence of
   * writes, epochs among them, so it leaves the store as if every session had ended before: no row
   * can have an epoch that a later gate does not rise above.
   */
  EPOCH_BUMP_AT_OPEN(Effect.NONE),
  /**
   * The sweep begins before its row and the condemned flags are flushed. No delete can become
   * durable before them, since they were written before it; it is dropping files that must wait.
   */
  FLUSH_BEFORE_SWEEP(Effect.NONE),
  /** A lease of ordinals is written, not flushed: it is durable before any row that uses it. */
  LEASE_FLUSHED_BEFORE_USE(Effect.NONE);

  private final Effect withoutIt;

  Guard(Effect withoutIt) {
    this.withoutIt = withoutIt;
  }

  Effect withoutIt() {
    return withoutIt;
  }
}
