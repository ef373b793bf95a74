package io.nbdvault.chunkstore.model;

import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * One run: threads, crashes and media, a step at a time. A step is one number, from which the one
 * that does it and all its choices come, so a run is a list of numbers and steps can be left out.
 */
final class Simulation {
  private static final int STEPS = 1000;
  private static final int SETTLING_STEPS_MAX = 20_000;

  /** What may happen next, and how often it does. */
  private record Event(int weight, Consumer<Dice> act) {}

  private final Profile profile;
  private final Store store;
  private final Invariant invariant;
  private final List<Event> events;
  private final int weights;
  private Threads threads;

  private Simulation(Set<Guard> guards, Profile profile, Trace trace) {
    this.profile = profile;
    this.store = new Store(guards, profile, trace);
    this.invariant = new Invariant(store);
    this.threads = new Threads(store, profile.sessionsAtOnce());
    this.events =
        List.of(
            new Event(profile.sessions(), dice -> threads.session(dice).step(dice)),
            new Event(profile.writer(), dice -> threads.writer().step(dice)),
            new Event(profile.collection(), dice -> threads.collection().step(dice)),
            new Event(profile.readers(), dice -> threads.reader(dice).step(dice)),
            new Event(profile.changes(), dice -> threads.change(dice).step(dice)),
            new Event(profile.flagging(), dice -> threads.flagging().step(dice)),
            new Event(profile.flushes(), dice -> store.flush()),
            new Event(profile.crashes(), this::crash),
            new Event(profile.media(), store::damage),
            new Event(profile.rows(), store::damageRow));
    this.weights = events.stream().mapToInt(Event::weight).sum();
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

  private void step(long step) {
    Dice dice = new Dice(step);
    int drawn = dice.below(weights);
    for (Event event : events) {
      drawn -= event.weight();
      if (drawn < 0) {
        event.act().accept(dice);
        break;
      }
    }
    invariant.check();
  }

  private void crash(Dice dice) {
    Tables.Progress killed = store.disk().collection();
    if (killed != null && dice.oneIn(2)) {
      // The marks lie in a file of their own, and only their checksum in the database.
      int cutoff = killed.cutoff();
      int end = killed.endOrdinal();
      store
          .disk()
          .putCollection(new Tables.Progress(cutoff, end, new BitSet(), false, killed.scanned()));
    }
    store.crash();
    threads = new Threads(store, profile.sessionsAtOnce());
  }

  /** Everybody ends what has begun; then two collections must leave nothing behind. */
  private void settle() {
    store.calmDown();
    if (store.failed()) {
      crash(new Dice(0));
    }
    List<Actor> all = threads.all();
    for (int step = 0; all.stream().anyMatch(actor -> !actor.idle()); step++) {
      requireEnd(step, "what has begun does not end");
      for (Actor actor : all) {
        if (!actor.idle()) {
          actor.step(new Dice(step));
          invariant.check();
        }
      }
      // A mark or sweep does not get past a row that is damaged.
      threads.flagging().step(new Dice(step));
      if (step == SETTLING_STEPS_MAX / 2) {
        store.repairMedium();
      }
    }
    store.repairMedium();
    int target = threads.collection().done() + 2;
    for (int step = 0; threads.collection().done() < target; step++) {
      requireEnd(step, "a collection does not end");
      threads.collection().step(new Dice(step));
      invariant.check();
    }
    invariant.checkNothingLeft();
  }

  private static void requireEnd(int step, String otherwise) {
    if (step == SETTLING_STEPS_MAX) {
      throw new Breach(Effect.STUCK, otherwise);
    }
  }
}
