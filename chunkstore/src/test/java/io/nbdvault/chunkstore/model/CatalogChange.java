package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import org.jspecify.annotations.Nullable;

/** Forgets snapshots, and brings forgotten ones back. */
final class CatalogChange implements Actor {
  private enum Phase {
    IDLE,
    READ,
    WRITTEN
  }

  private final Store store;
  private Phase phase = Phase.IDLE;
  private int snapshot;
  private Tables.@Nullable Snapshot changed;

  CatalogChange(Store store) {
    this.store = store;
  }

  @Override
  public boolean idle() {
    return phase == Phase.IDLE;
  }

  @Override
  public void step(Dice dice) {
    switch (phase) {
      case IDLE -> read(dice);
      case READ -> write();
      case WRITTEN -> flush();
    }
  }

  private void read(Dice dice) {
    if (!store.gateFree() || store.snapshotsEnd() == 0) {
      return;
    }
    snapshot = Math.max(0, store.snapshotsEnd() - 1 - dice.below(8));
    Tables.Snapshot row = store.visible(snapshot);
    if (row == null || store.failed()) {
      return;
    }
    if (row.state() == State.KEPT) {
      changed = row.with(State.FORGOTTEN);
    } else if (dice.oneIn(3)
        && !(store.has(Guard.UNDELETE_REFUSES_CONDEMNED) && store.condemned(snapshot))) {
      changed = row.with(State.KEPT);
    } else {
      return;
    }
    phase = Phase.READ;
    if (store.has(Guard.CATALOG_CHANGES_PASS_THE_GATE)) {
      write();
    }
  }

  private void write() {
    Tables.Snapshot row = changed;
    if (row == null || store.failed()) {
      phase = Phase.IDLE;
      return;
    }
    store.note(() -> "snapshot " + snapshot + " becomes " + row.state());
    store.promises().inDoubt(snapshot);
    store.now().putSnapshot(snapshot, row);
    phase = Phase.WRITTEN;
  }

  private void flush() {
    if (store.failed()) {
      phase = Phase.IDLE;
      return;
    }
    boolean kept = changed != null && changed.state() == State.KEPT;
    if (store.has(kept ? Guard.UNDELETE_DURABLE : Guard.FORGET_DURABLE)) {
      store.flush();
    }
    store.note(() -> "that of snapshot " + snapshot + " returns");
    store.promises().returned(snapshot, kept);
    phase = Phase.IDLE;
  }
}
