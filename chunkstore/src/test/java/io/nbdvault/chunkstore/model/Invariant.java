package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import java.util.BitSet;

/** What must be true after every step, and what must be true when all is quiet. */
final class Invariant {
  private static final int NONE = -1;

  private final Store store;
  private Tables checked = new Tables();
  private int happenedByThen;

  Invariant(Store store) {
    this.store = store;
  }

  /** Everything below every snapshot that somebody has or may yet ask for is there. */
  void check() {
    Tables now = store.now();
    if (now == checked && store.happened() == happenedByThen) {
      return;
    }
    checked = now;
    happenedByThen = store.happened();
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = store.visible(snapshot);
      if (row != null && !store.condemned(snapshot)) {
        requireNone(missing(now, row.root()), "snapshot", snapshot);
      }
    }
    for (Reader reader : store.readers()) {
      requireNone(missing(now, reader.root()), "a reader of snapshot", reader.snapshot());
    }
    for (Session session : store.sessions()) {
      for (int id : session.relied()) {
        requireNone(
            now.recordOf(id) == null ? id : NONE, "the session of snapshot", session.number());
      }
      if (session.parent() >= 0) {
        requireNone(missing(now, session.parentRoot()), "as a parent, snapshot", session.parent());
      }
    }
    store.promises().check();
  }

  /** Nothing is there but what a snapshot reaches. */
  void checkNothingLeft() {
    Tables now = store.now();
    BitSet reachable = new BitSet();
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = now.snapshot(snapshot);
      if (row != null) {
        requireNotLeft(row.state() != State.KEPT, "snapshot " + snapshot);
        reach(reachable, row.root());
      }
    }
    for (int id = 0; id < Content.IDS; id++) {
      requireNotLeft(now.row(id) != null && !reachable.get(id), "the row of " + Content.name(id));
    }
    for (int ordinal = 0; ordinal < now.ordinalsEnd(); ordinal++) {
      Tables.Chunk chunk = now.chunk(ordinal);
      if (chunk != null) {
        Tables.Row row = now.row(chunk.id());
        requireNotLeft(row == null || row.ordinal() != ordinal, "ordinal " + ordinal);
      }
    }
    requireNotLeft(now.collection() != null, "a collection");
  }

  private static void requireNotLeft(boolean found, String what) {
    if (found) {
      throw new Breach(Effect.LEFT, what + " is left");
    }
  }

  private static void reach(BitSet reachable, int id) {
    reachable.set(id);
    if (Content.isNode(id)) {
      reach(reachable, Content.child(id, 0));
      reach(reachable, Content.child(id, 1));
    }
  }

  private void requireNone(int missing, String whose, int number) {
    if (missing != NONE) {
      String what = store.now().lastRow(missing) == null ? "no row" : "a row without its record";
      throw new Breach(
          Effect.LOST, whose + " " + number + " has " + what + " for " + Content.name(missing));
    }
  }

  /** Something at or below an id that is not there, or whose record is not. */
  private static int missing(Tables now, int id) {
    if (now.recordOf(id) == null) {
      return id;
    }
    if (!Content.isNode(id)) {
      return NONE;
    }
    int missing = missing(now, Content.child(id, 0));
    return missing == NONE ? missing(now, Content.child(id, 1)) : missing;
  }
}
