package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The part of a collection that looks at all rows, and then deletes: rows, then ordinals, then
 * files, then snapshots.
 */
final class Sweep implements Actor {
  private enum Phase {
    SCAN,
    ROW,
    CLAIMED,
    CONDEMNED,
    ORDINALS,
    FLUSH,
    DROP,
    FINISH,
    FLUSH_FINISH,
    DONE,
    STOPPED
  }

  /** A row as the scan has seen it. */
  private record Scanned(int id, Tables.Row row) {}

  private final Store store;
  private final Tables.Progress progress;
  private final Deque<Scanned> doomed = new ArrayDeque<>();
  private final BitSet live = new BitSet();
  private final BitSet deletedByScan = new BitSet();
  private final BitSet dead = new BitSet();
  private final boolean skipsScanned;
  private Phase phase = Phase.SCAN;
  private int ordinal = 1;
  private @Nullable Claim claim;

  Sweep(Store store, Tables.Progress progress, boolean skipsScanned) {
    this.store = store;
    this.progress = progress;
    this.skipsScanned = skipsScanned;
  }

  @Override
  public boolean idle() {
    return phase == Phase.DONE;
  }

  /** It has met a row that it cannot read. */
  boolean stopped() {
    return phase == Phase.STOPPED;
  }

  Tables.Progress progress() {
    return progress;
  }

  @Override
  public void step(Dice dice) {
    switch (phase) {
      case SCAN -> scan();
      case ROW -> claimRow();
      case CLAIMED -> judgeRow();
      case CONDEMNED -> deleteRow();
      case ORDINALS -> deleteOrdinal();
      case FLUSH -> flush();
      case DROP -> dropFiles();
      case FINISH -> finish();
      case FLUSH_FINISH -> flushFinish();
      case DONE, STOPPED -> throw new IllegalStateException("done");
    }
  }

  private void scan() {
    if (meetsDamagedRow()) {
      return;
    }
    for (int id = skipsScanned ? progress.scanned() : 0; id < Content.IDS; id++) {
      Tables.Row row = store.now().row(id);
      if (row != null && row.legible()) {
        if (isGarbage(row)) {
          doomed.add(new Scanned(id, row));
        } else {
          live.set(row.ordinal());
        }
      }
    }
    store.note(() -> "the scan finds what may go: " + doomed + ", live are " + live);
    phase = store.has(Guard.ROWS_BEFORE_ORDINALS) ? Phase.ROW : Phase.ORDINALS;
  }

  private boolean meetsDamagedRow() {
    for (int id = 0; id < Content.IDS && store.has(Guard.DAMAGED_ROW_STOPS_SCAN); id++) {
      Tables.Row row = store.now().row(id);
      if (row != null && !row.legible()) {
        String what = Content.name(id);
        store.note(() -> "the damaged row of " + what + " stops the sweep");
        phase = Phase.STOPPED;
        return true;
      }
    }
    return false;
  }

  private boolean isGarbage(Tables.Row row) {
    return row.epoch() < cutoff() && !progress.marks().get(row.ordinal());
  }

  private int cutoff() {
    if (store.has(Guard.CUTOFF_FROZEN)) {
      return progress.cutoff();
    }
    int cutoff = store.epoch();
    for (Session session : store.sessions()) {
      cutoff = Math.min(cutoff, session.epoch());
    }
    return cutoff;
  }

  private void claimRow() {
    if (meetsDamagedRow()) {
      return;
    }
    Scanned next = doomed.peek();
    if (next == null) {
      phase = store.has(Guard.ROWS_BEFORE_ORDINALS) ? Phase.ORDINALS : Phase.FLUSH;
      return;
    }
    if (store.has(Guard.SWEEP_TAKES_CLAIMS)) {
      if (store.claimOn(next.id()) != null) {
        if (store.has(Guard.CLAIMED_ROWS_ARE_LIVE)) {
          live.set(next.row().ordinal());
        }
        nextRow(next);
        return;
      }
      claim = new Claim(next.id(), Claim.NO_EPOCH);
      store.claim(claim);
    }
    phase = Phase.CLAIMED;
  }

  private void judgeRow() {
    Scanned next = doomed.element();
    Tables.Row row = store.has(Guard.SWEEP_REREADS) ? store.now().row(next.id()) : next.row();
    if (row != null && !row.legible() && meetsDamagedRow()) {
      store.endClaim(claim);
      return;
    }
    if (row != null && row.legible() && isGarbage(row)) {
      phase = Phase.CONDEMNED;
      return;
    }
    if (row != null && row.legible()) {
      live.set(row.ordinal());
    }
    nextRow(next);
  }

  private void deleteRow() {
    Scanned next = doomed.element();
    store.note(() -> "the sweep deletes the row of " + Content.name(next.id()));
    deletedByScan.set(next.row().ordinal());
    store.now().putRow(next.id(), null);
    nextRow(next);
  }

  private void nextRow(Scanned done) {
    doomed.remove();
    store.endClaim(claim);
    claim = null;
    if (!store.has(Guard.RESUMED_SCAN_BEGINS_AGAIN)) {
      store
          .now()
          .putCollection(
              new Tables.Progress(
                  progress.cutoff(),
                  progress.endOrdinal(),
                  progress.marks(),
                  progress.intact(),
                  done.id() + 1));
    }
    phase = Phase.ROW;
  }

  private void deleteOrdinal() {
    int end =
        store.has(Guard.ORDINALS_BEFORE_END_ONLY)
            ? progress.endOrdinal()
            : store.now().ordinalsEnd();
    while (ordinal < end && !isDead(ordinal)) {
      ordinal++;
    }
    if (ordinal < end) {
      store.note(() -> "the sweep deletes ordinal " + ordinal);
      dead.set(ordinal);
      deleteChunk(ordinal);
    } else if (!store.has(Guard.ROWS_BEFORE_ORDINALS)) {
      phase = Phase.ROW;
    } else {
      phase = Phase.FLUSH;
    }
  }

  private boolean isDead(int candidate) {
    return store.now().chunk(candidate) != null
        && !live.get(candidate)
        && (store.has(Guard.EVERY_ORDINAL_WITHOUT_ROW_IS_SWEPT) || deletedByScan.get(candidate));
  }

  private void deleteChunk(int dropped) {
    store.now().putChunk(dropped, null);
    if (!store.has(Guard.FLUSH_BEFORE_FILES_ARE_DROPPED)) {
      store.disk().putChunk(dropped, null);
    }
  }

  private void flush() {
    if (store.has(Guard.FLUSH_BEFORE_FILES_ARE_DROPPED)) {
      store.flush();
    }
    phase = Phase.DROP;
  }

  /** Drops files at once and for good, whoever may have written between the same ordinals. */
  private void dropFiles() {
    dead.stream()
        .forEach(
            dropped -> {
              store.now().putChunk(dropped, null);
              store.disk().putChunk(dropped, null);
            });
    // Rewriting files flushes the family of the records alone, ahead of their rows.
    store.disk().copyChunks(store.now());
    store.note(() -> "files dropped: " + dead);
    phase = Phase.FINISH;
  }

  private void finish() {
    for (int snapshot = 0; snapshot < store.now().snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = store.now().snapshot(snapshot);
      if (row != null
          && (row.state() == State.CONDEMNED || store.condemnedInMemory().get(snapshot))) {
        store.now().putSnapshot(snapshot, null);
      }
    }
    store.now().putCollection(null);
    store.note(() -> "the collection is done");
    phase = Phase.FLUSH_FINISH;
  }

  private void flushFinish() {
    store.flush();
    phase = Phase.DONE;
  }
}
