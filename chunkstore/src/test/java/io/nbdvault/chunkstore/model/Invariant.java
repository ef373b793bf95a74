package io.nbdvault.chunkstore.model;

import io.nbdvault.chunkstore.model.Tables.State;
import java.util.BitSet;

/** What must be true after every step, and what must be true when all is quiet. */
final class Invariant {
  private final Store store;

  Invariant(Store store) {
    this.store = store;
  }

  /** Everything below every snapshot that somebody has or may yet ask for is there. */
  void check() {
    Tables now = store.now();
    for (int snapshot = 0; snapshot < store.snapshotsEnd(); snapshot++) {
      Tables.Snapshot row = store.visible(snapshot);
      if (row != null && !store.condemned(snapshot)) {
        requireComplete(now, row.root(), "snapshot " + snapshot);
      }
    }
    for (Reader reader : store.readers()) {
      requireComplete(now, reader.root(), "a reader");
    }
    for (Session session : store.sessions()) {
      for (int id : session.relied()) {
        requirePresent(now, id, session);
      }
      if (session.parentRoot() >= 0) {
        requireComplete(now, session.parentRoot(), "the parent of a session");
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
        requireNone(row.state() != State.KEPT, "snapshot " + snapshot);
        reach(reachable, row.root());
      }
    }
    for (int id = 0; id < Content.IDS; id++) {
      requireNone(now.row(id) != null && !reachable.get(id), "the row of " + Content.name(id));
    }
    for (int ordinal = 0; ordinal < now.ordinalsEnd(); ordinal++) {
      Tables.Chunk chunk = now.chunk(ordinal);
      if (chunk != null) {
        Tables.Row row = now.row(chunk.id());
        requireNone(row == null || row.ordinal() != ordinal, "ordinal " + ordinal);
      }
    }
    requireNone(now.collection() != null, "a collection");
  }

  private static void requireNone(boolean found, String what) {
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

  private static void requirePresent(Tables now, int id, Object whose) {
    if (now.chunkOf(id) == null) {
      String what = now.row(id) == null ? "no row" : "a row without its record";
      throw new Breach(Effect.LOST, whose + " has " + what + " for " + Content.name(id));
    }
  }

  private static void requireComplete(Tables now, int id, String whose) {
    requirePresent(now, id, whose);
    if (Content.isNode(id)) {
      requireComplete(now, Content.child(id, 0), whose);
      requireComplete(now, Content.child(id, 1), whose);
    }
  }
}
