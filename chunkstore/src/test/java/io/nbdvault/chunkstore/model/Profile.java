package io.nbdvault.chunkstore.model;

/**
 * How often things happen in one run. Runs differ much, because what goes wrong in one kind of
 * weather hides in another.
 *
 * @param sessionsAtOnce how many there may be
 * @param abortOneIn steps of a session, of which one ends it; 0 for never
 * @param cancelOneIn steps of a mark, of which one ends it; 0 for never
 * @param failOneIn flushes of a commit, of which one fails; 0 for never
 */
record Profile(
    int sessionsAtOnce,
    int sessions,
    int writer,
    int collection,
    int readers,
    int changes,
    int flagging,
    int flushes,
    int crashes,
    int media,
    int abortOneIn,
    int cancelOneIn,
    int failOneIn) {
  /** Nothing happens that was not asked for. */
  static final Profile CALM = new Profile(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  static Profile of(long seed) {
    Dice dice = new Dice(~seed);
    return new Profile(
        dice.oneOf(1, 2, 3, 3),
        dice.oneOf(20, 60, 60, 120),
        dice.oneOf(10, 30, 60),
        dice.oneOf(40, 80, 160),
        dice.oneOf(0, 4, 10),
        dice.oneOf(4, 10, 30),
        dice.oneOf(2, 10, 30),
        dice.oneOf(0, 2, 10),
        dice.oneOf(0, 0, 1, 3),
        dice.oneOf(0, 0, 2, 10),
        dice.oneOf(0, 20, 60),
        dice.oneOf(0, 0, 10, 40),
        dice.oneOf(0, 0, 0, 10));
  }
}
