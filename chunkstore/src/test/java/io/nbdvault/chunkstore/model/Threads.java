package io.nbdvault.chunkstore.model;

import java.util.ArrayList;
import java.util.List;

/** The threads of one process: a crash ends them all. */
final class Threads {
  private final Store store;
  private final Writer writer;
  private final Collection collection;
  private final Flagging flagging;
  private final List<Session> sessions = new ArrayList<>();
  private final List<Reader> readers;
  private final List<CatalogChange> changes;

  Threads(Store store, int sessionsAtOnce) {
    this.store = store;
    this.writer = new Writer(store);
    this.collection = new Collection(store);
    this.flagging = new Flagging(store);
    for (int i = 0; i < sessionsAtOnce; i++) {
      sessions.add(new Session(store, writer));
    }
    this.readers = List.of(new Reader(store), new Reader(store));
    this.changes = List.of(new CatalogChange(store), new CatalogChange(store));
  }

  Writer writer() {
    return writer;
  }

  Collection collection() {
    return collection;
  }

  Flagging flagging() {
    return flagging;
  }

  /** One of the sessions; a new one in the place of one that has ended. */
  Session session(Dice dice) {
    int slot = dice.below(sessions.size());
    if (sessions.get(slot).ended()) {
      sessions.set(slot, new Session(store, writer));
    }
    return sessions.get(slot);
  }

  Reader reader(Dice dice) {
    return readers.get(dice.below(readers.size()));
  }

  CatalogChange change(Dice dice) {
    return changes.get(dice.below(changes.size()));
  }

  List<Actor> all() {
    List<Actor> all = new ArrayList<>(List.of(writer, collection, flagging));
    all.addAll(sessions);
    all.addAll(readers);
    all.addAll(changes);
    return all;
  }
}
