package io.nbdvault.chunkstore.model;

/** One thread of the real store, cut into the steps between which others may run. */
interface Actor {
  /** Does the next step, or nothing while it has to wait. */
  void step(Dice dice);

  /** Nothing has begun that has not ended. */
  boolean idle();
}
