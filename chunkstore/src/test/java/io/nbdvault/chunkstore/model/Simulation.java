package io.nbdvault.chunkstore.model;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One run: threads, crashes and media, a step at a time. A step is one number, from which the one
 * that does it and all its choices come, so a run is a list of numbers and can be cut short.
 */
final class Simulation {
  private static final int STEPS = 1000;
  private static final int SETTLING_STEPS_MAX = 20_000;

  private final Profile profile;
  private final Store store;
  private final Invariant invariant;
  private final List<Session> sessions = new ArrayList<>();
  private final List<Actor> others = new ArrayList<>();
  private Writer writer;
  private Collection collection;

  private Simulation(Set<Guard> guards, Profile profile, Trace trace) {
    this.profile = profile;
    this.store = new Store(guards, profile, trace);
    this.invariant = new Invariant(store);
    this.writer = new Writer(store);
    this.collection = new Collection(store);
    startThreads();
  }

  /** The steps of a run. */
  static long[] steps(long seed) {
    return new SplittableRandom(seed).longs(STEPS).toArray();
  }

  /**
   * Runs.
   *
   * @throws Breach if the store comes into a state that must never be
   */
  static void run(Set<Guard> guards, Profile profile, long[] steps, Trace trace) {
    Simulation simulation = new Simulation(guards, profile, trace);
    for (long step : steps) {
      simulation.step(step);
    }
    simulation.settle();
  }

  private void startThreads() {
    writer = new Writer(store);
    collection = new Collection(store);
    sessions.clear();
    for (int i = 0; i < profile.sessionsAtOnce(); i++) {
      sessions.add(new Session(store, writer));
    }
    others.clear();
    others.add(new Reader(store));
    others.add(new Reader(store));
    others.add(new CatalogChange(store));
    others.add(new CatalogChange(store));
    others.add(new Flagging(store));
  }

  private void step(long step) {
    Dice dice = new Dice(step);
    int weight =
        dice.below(
            profile.sessions()
                + profile.writer()
                + profile.collection()
                + profile.readers()
                + profile.changes()
                + profile.flagging()
                + profile.flushes()
                + profile.crashes()
                + profile.media());
    if ((weight -= profile.sessions()) < 0) {
      sessionStep(dice);
    } else if ((weight -= profile.writer()) < 0) {
      writer.step(dice);
    } else if ((weight -= profile.collection()) < 0) {
      collection.step(dice);
    } else if ((weight -= profile.readers()) < 0) {
      others.get(dice.below(2)).step(dice);
    } else if ((weight -= profile.changes()) < 0) {
      others.get(2 + dice.below(2)).step(dice);
    } else if ((weight -= profile.flagging()) < 0) {
      others.get(4).step(dice);
    } else if ((weight -= profile.flushes()) < 0) {
      store.flush();
    } else if (weight < profile.crashes()) {
      crash(dice);
    } else {
      store.damage(dice);
    }
    invariant.check();
  }

  private void sessionStep(Dice dice) {
    int slot = dice.below(sessions.size());
    if (sessions.get(slot).ended()) {
      sessions.set(slot, new Session(store, writer));
    }
    sessions.get(slot).step(dice);
  }

  private void crash(Dice dice) {
    Tables.Progress killed = store.disk().collection();
    if (killed != null && dice.oneIn(4)) {
      // The marks lie in a file of their own.
      BitSet marks = new BitSet();
      store
          .disk()
          .putCollection(
              new Tables.Progress(
                  killed.cutoff(), killed.endOrdinal(), marks, false, killed.scanned()));
    }
    store.crash();
    startThreads();
  }

  /** Everybody ends what has begun; then two collections must leave nothing behind. */
  private void settle() {
    store.calmDown();
    if (store.failed()) {
      crash(new Dice(0));
    }
    List<Actor> all = new ArrayList<>(others);
    all.addAll(sessions);
    all.add(writer);
    all.add(collection);
    for (int step = 0; all.stream().anyMatch(actor -> !actor.idle()); step++) {
      requireProgress(step, all);
      Actor actor = all.get(step % all.size());
      if (!actor.idle()) {
        settlingStep(actor, step);
      }
    }
    store.repairMedium();
    int target = collection.done() + 2;
    for (int step = 0; collection.done() < target; step++) {
      requireProgress(step, List.of(collection));
      settlingStep(collection, step);
    }
    invariant.checkNothingLeft();
  }

  private static void requireProgress(int step, List<Actor> actors) {
    if (step == SETTLING_STEPS_MAX) {
      actors.forEach(actor -> {if (!actor.idle()) System.out.println(actor.getClass());});
      throw new Breach(Effect.STUCK, "not all come to an end");
    }
  }

  private void settlingStep(Actor actor, int step) {
    actor.step(new Dice(step));
    invariant.check();
  }
}
