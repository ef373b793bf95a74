package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The part of a collection that deletes: rows, then ordinals, then files, then snapshots. */
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
    DONE
  }

  /** A row as the scan's iterator shows it, which is as it was when the scan began. */
  private record Scanned(int id, Tables.Row row) {}

  private final Store store;
  private final Tables.Progress progress;
  private final Deque<Scanned> scan = new ArrayDeque<>();
  private final BitSet live = new BitSet();
  private final BitSet deletedByScan = new BitSet();
  private final BitSet dead = new BitSet();
  private final boolean skipsScanned;
  private Phase phase = Phase.SCAN;
  private boolean rowsDone;
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

  @Override
  public void step(Dice dice) {
    switch (phase) {
      case SCAN -> beginScan();
      case ROW -> claimRow();
      case CLAIMED -> judgeRow();
      case CONDEMNED -> deleteRow();
      case ORDINALS -> deleteOrdinal();
      case FLUSH -> flush();
      case DROP -> dropFiles();
      case FINISH -> finish();
      case FLUSH_FINISH -> flushFinish();
      case DONE -> throw new IllegalStateException("done");
    }
  }

  private void beginScan() {
    for (int id = skipsScanned ? progress.scanned() : 0; id < Content.IDS; id++) {
      Tables.Row row = store.now().row(id);
      if (row != null) {
        scan.add(new Scanned(id, row));
        if (!store.has(Guard.ROWS_BEFORE_ORDINALS) && !isGarbage(row)) {
          live.set(row.ordinal());
        }
      }
    }
    store.note(() -> "the scan begins: " + scan);
    phase = store.has(Guard.ROWS_BEFORE_ORDINALS) || rowsDone ? Phase.ROW : Phase.ORDINALS;
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
    Scanned next = scan.peek();
    if (next == null) {
      rowsDone = true;
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
    Scanned next = scan.element();
    Tables.Row row = store.has(Guard.SWEEP_REREADS) ? store.now().row(next.id()) : next.row();
    if (row != null && isGarbage(row)) {
      phase = Phase.CONDEMNED;
      return;
    }
    if (row != null) {
      live.set(row.ordinal());
    }
    nextRow(next);
  }

  private void deleteRow() {
    Scanned next = scan.element();
    store.note(() -> "the sweep deletes the row of " + Content.name(next.id()));
    deletedByScan.set(next.row().ordinal());
    store.now().putRow(next.id(), null);
    nextRow(next);
  }

  private void nextRow(Scanned done) {
    scan.remove();
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
