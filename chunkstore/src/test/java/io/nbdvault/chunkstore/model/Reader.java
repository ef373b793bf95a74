package io.nbdvault.chunkstore.model;

import org.jspecify.annotations.Nullable;

/** A restore: opens a snapshot, and closes it after a while. */
final class Reader implements Actor {
  private final Store store;
  private int found = -1;
  private int root = -1;
  private int snapshot = -1;

  Reader(Store store) {
    this.store = store;
  }

  int root() {
    return root;
  }

  int snapshot() {
    return snapshot;
  }

  @Override
  public boolean idle() {
    return root < 0 && found < 0;
  }

  @Override
  public void step(Dice dice) {
    if (!store.gateFree()) {
      return;
    }
    if (root >= 0) {
      if (dice.oneIn(10)) {
        close();
      }
    } else if (found < 0) {
      found = store.chooseSnapshot(dice);
      if (found >= 0 && store.has(Guard.READERS_PIN_UNDER_GATE)) {
        pin();
      }
    } else {
      pin();
    }
  }

  private void pin() {
    Tables.@Nullable Snapshot row = store.visible(found);
    if (row != null) {
      snapshot = found;
      root = row.root();
      store.readers().add(this);
      store.note(() -> "a reader opens snapshot " + snapshot);
    }
    found = -1;
  }

  private void close() {
    store.note(() -> "the reader of snapshot " + snapshot + " closes it");
    store.readers().remove(this);
    root = -1;
    snapshot = -1;
  }
}
