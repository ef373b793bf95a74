package io.nbdvault.chunkstore.model;

/** Thrown when the model is found in a state that must never be. */
final class Breach extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Effect effect;

  Breach(Effect effect, String what) {
    super(effect + ": " + what, null, false, false);
    this.effect = effect;
  }

  Effect effect() {
    return effect;
  }
}
