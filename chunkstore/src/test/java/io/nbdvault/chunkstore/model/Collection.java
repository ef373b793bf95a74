package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.Health;
import io.nbdvault.chunkstore.model.Tables.State;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A collection up to the moment from which it deletes: the gate, the mark and the scan. */
final class Collection implements Actor {
  private enum Phase {
    IDLE,
    GATE,
    MARK,
    STOPPED,
    SCAN,
    RECORD,
    FLUSH,
    SWEEP
  }

  private final Store store;
  private Phase phase = Phase.IDLE;
  private final Deque<Integer> work = new ArrayDeque<>();
  private final BitSet visited = new BitSet();
  private final BitSet marks = new BitSet();
  private final BitSet condemned = new BitSet();
  private int cutoff;
  private int endOrdinal;
  private @Nullable Sweep sweep;
  private int done;

  Collection(Store store) {
    this.store = store;
  }

  @Override
  public boolean idle() {
    return phase == Phase.IDLE && store.now().collection() == null;
  }

  /** How many have come to their end. */
  int done() {
    return done;
  }

  @Override
  public void step(Dice dice) {
    if (store.failed() && store.has(Guard.FAILED_STORE_STOPS_COLLECTION)) {
      return;
    }
    switch (phase) {
      case IDLE -> begin(dice);
      case GATE -> passGate();
      case MARK -> mark(dice);
      case STOPPED -> liftCondemnations();
      case SCAN -> scan(dice);
      case RECORD -> record();
      case FLUSH -> flush();
      case SWEEP -> sweep(dice);
    }
    store.setCollects(phase != Phase.IDLE);
  }

  private void begin(Dice dice) {
    Tables.Progress killed = store.now().collection();
    if (killed != null) {
      resume(killed);
    } else if (store.gateFree() && dice.oneIn(4)) {
      listRoots();
      store.holdGate(store.has(Guard.GATE_IS_ONE_STEP));
      phase = Phase.GATE;
    }
  }

  private void resume(Tables.Progress killed) {
    if (!killed.intact() && store.has(Guard.SAVED_MARKS_ARE_CHECKED)) {
      store.note(() -> "the saved marks are damaged: the collection will begin again");
      store.now().putCollection(null);
      return;
    }
    store.note(() -> "a collection goes on: " + killed);
    sweep = new Sweep(store, killed, !store.has(Guard.RESUMED_SCAN_BEGINS_AGAIN));
    phase = Phase.SWEEP;
  }

  private void listRoots() {
    work.clear();
    visited.clear();
    marks.clear();
    condemned.clear();
    Set<Integer> pinned = pinned();
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = store.visible(snapshot);
      if (row != null) {
        if (pinned.contains(snapshot) || row.state() == State.KEPT) {
          reach(row.root());
        } else if (row.state() == State.FORGOTTEN) {
          condemn(snapshot);
        }
      }
    }
  }

  private Set<Integer> pinned() {
    Set<Integer> pinned = new HashSet<>();
    if (store.has(Guard.PINNED_PARENTS_ARE_ROOTS)) {
      store.sessions().forEach(session -> pinned.add(session.parent()));
    }
    if (store.has(Guard.READERS_ARE_ROOTS)) {
      store.readers().forEach(reader -> pinned.add(reader.snapshot()));
    }
    return pinned;
  }

  /** From now on it cannot be brought back; that it goes is written when all was looked at. */
  private void condemn(int snapshot) {
    store.note(() -> "the collection condemns snapshot " + snapshot);
    condemned.set(snapshot);
    store.condemnedInMemory().set(snapshot);
  }

  private void reach(int id) {
    if (!visited.get(id)) {
      visited.set(id);
      work.add(id);
    }
  }

  private void passGate() {
    if (!store.has(Guard.GATE_IS_ONE_STEP) && !store.gateFree()) {
      return;
    }
    cutoff = store.epoch();
    if (store.has(Guard.CUTOFF_RISES)) {
      cutoff++;
      if (store.has(Guard.EPOCH_BUMP_AT_GATE)) {
        store.bumpEpoch();
      }
    }
    if (store.has(Guard.CUTOFF_INCLUDES_RUNNING_SESSIONS)) {
      for (Session session : store.sessions()) {
        cutoff = Math.min(cutoff, session.epoch());
      }
    }
    endOrdinal = store.endOrdinal();
    store.holdGate(false);
    store.note(() -> "GATE: epoch " + store.epoch() + " cutoff " + cutoff + " end " + endOrdinal);
    phase = Phase.MARK;
  }

  private void mark(Dice dice) {
    if (dice.oneIn(store.profile().cancelOneIn())) {
      store.note(() -> "the mark is cancelled");
      phase = Phase.STOPPED;
      return;
    }
    Integer id = work.poll();
    if (id == null || (!store.has(Guard.COMPLETE_MARK_BEFORE_SWEEP) && dice.oneIn(10))) {
      beginScan();
      return;
    }
    Tables.Row row = store.now().row(id);
    if (Content.isNode(id)) {
      Tables.Chunk chunk = store.now().chunkOf(id);
      if (row != null && row.health() == Health.WHOLE && chunk != null && chunk.intact()) {
        reach(Content.child(id, 0));
        reach(Content.child(id, 1));
      } else if (store.has(Guard.DAMAGED_NODE_STOPS)) {
        store.note(() -> "node " + Content.name(id) + " stops the mark");
        phase = Phase.STOPPED;
      }
    } else if ((row == null || !row.legible()) && store.has(Guard.CHUNK_WITHOUT_ROW_STOPS)) {
      store.note(() -> "chunk " + Content.name(id) + " without a row stops the mark");
      phase = Phase.STOPPED;
    }
    if (row != null && row.legible()) {
      marks.set(row.ordinal());
    }
  }

  private void beginScan() {
    BitSet saved = (BitSet) marks.clone();
    store.note(() -> "marked: " + saved);
    sweep = new Sweep(store, new Tables.Progress(cutoff, endOrdinal, saved, true, 0), false);
    phase = Phase.SCAN;
  }

  /** Before anything is decided: a row that cannot be read ends it here. */
  private void scan(Dice dice) {
    Sweep scanning = requireSweep();
    scanning.step(dice);
    phase = scanning.stopped() ? Phase.STOPPED : Phase.RECORD;
  }

  /** Nothing was deleted, so what this collection has condemned can be brought back again. */
  private void liftCondemnations() {
    if (!store.gateFree()) {
      return;
    }
    if (!store.has(Guard.ONLY_OWN_CONDEMNED_ARE_LIFTED)) {
      for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
        Tables.Snapshot row = store.now().snapshot(snapshot);
        if (row != null && row.state() == State.CONDEMNED) {
          store.now().putSnapshot(snapshot, row.with(State.FORGOTTEN));
        }
      }
    }
    store.condemnedInMemory().andNot(condemned);
    store.note(() -> "condemnations lifted");
    phase = Phase.IDLE;
  }

  private void record() {
    if (store.has(Guard.CONDEMNED_DURABLE_BEFORE_SWEEP)) {
      condemned.stream().forEach(this::writeCondemned);
    }
    store.now().putCollection(requireSweep().progress());
    store.note(() -> "the collection is recorded");
    phase = Phase.FLUSH;
  }

  private void writeCondemned(int snapshot) {
    Tables.Snapshot row = store.now().snapshot(snapshot);
    if (row != null) {
      store.now().putSnapshot(snapshot, row.with(State.CONDEMNED));
    }
  }

  private void flush() {
    if (store.has(Guard.FLUSH_BEFORE_SWEEP)) {
      store.flush();
    }
    phase = Phase.SWEEP;
  }

  private void sweep(Dice dice) {
    Sweep sweeping = requireSweep();
    sweeping.step(dice);
    if (sweeping.stopped()) {
      // It is recorded, so the next one will go on with it.
      store.condemnedInMemory().clear();
      phase = Phase.IDLE;
    } else if (sweeping.idle()) {
      done++;
      phase = Phase.IDLE;
    }
  }

  private Sweep requireSweep() {
    if (sweep == null) {
      throw new IllegalStateException("nothing to sweep");
    }
    return sweep;
  }
}
