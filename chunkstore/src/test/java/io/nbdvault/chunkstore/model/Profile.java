package io.nbdvault.chunkstore.model;

/**
 * How often things happen in one run. Runs differ much, because what goes wrong in one kind of
 * weather hides in another.
 *
 * @param sessionsAtOnce how many there may be
 * @param media how often a record is damaged
 * @param rows how often a row of the index is
 * @param beginOneIn steps of a session that has not begun, of which one begins it
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
    int rows,
    int beginOneIn,
    int abortOneIn,
    int cancelOneIn,
    int failOneIn) {
  /** Nothing happens that was not asked for. */
  static final Profile CALM = new Profile(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);

  static Profile of(long seed) {
    Dice dice = new Dice(~seed);
    return switch (dice.below(6)) {
      case 0 -> crowded(dice);
      case 1 -> crashing(dice);
      case 2 -> damaging(dice);
      case 3 -> lagging(dice);
      case 4 -> illegible(dice);
      default -> mixed(dice);
    };
  }

  /** Many sessions meet at the same content, and fail. */
  private static Profile crowded(Dice dice) {
    int collection = dice.oneOf(10, 40);
    return new Profile(4, 120, dice.oneOf(10, 60), collection, 2, 4, 0, 1, 0, 0, 0, 1, 10, 20, 0);
  }

  /** Crashes, and few flushes that would make up for one that is missing. */
  private static Profile crashing(Dice dice) {
    int collection = dice.oneOf(10, 80);
    int changes = dice.oneOf(4, 30);
    int crashes = dice.oneOf(1, 2, 4);
    int cancelOneIn = dice.oneOf(0, 5, 40);
    return new Profile(
        3, 80, 80, collection, 0, changes, 0, 0, crashes, 0, 0, 1, 0, cancelOneIn, 0);
  }

  /** Records are damaged and heal, and many gates are passed meanwhile. */
  private static Profile damaging(Dice dice) {
    int flushes = dice.oneOf(10, 30);
    int media = dice.oneOf(5, 20);
    int cancelOneIn = dice.oneOf(0, 4, 10);
    int collection = dice.oneOf(60, 200);
    return new Profile(
        3, 60, 60, collection, 2, 10, 80, flushes, 0, media, 0, 1, 30, cancelOneIn, 0);
  }

  /** The same, and the writer has much to do for sessions that have ended. */
  private static Profile lagging(Dice dice) {
    int media = dice.oneOf(5, 20);
    return new Profile(3, 60, 6, 60, 2, 10, 80, 10, 0, media, 0, 1, 8, 0, 0);
  }

  /** Rows of the index are damaged, and now and then no session runs. */
  private static Profile illegible(Dice dice) {
    int sessionsAtOnce = dice.oneOf(1, 2);
    int collection = dice.oneOf(8, 30, 100);
    int crashes = dice.oneOf(0, 1, 3);
    int media = dice.oneOf(0, 0, 2);
    int rows = dice.oneOf(4, 15);
    int begin = dice.oneOf(10, 40);
    int abort = dice.oneOf(0, 20);
    return new Profile(
        sessionsAtOnce, 90, 60, collection, 2, 5, 60, 5, crashes, media, rows, begin, abort, 0, 0);
  }

  private static Profile mixed(Dice dice) {
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
        dice.oneOf(0, 0, 1, 6),
        dice.oneOf(0, 0, 0, 2),
        dice.oneOf(1, 1, 1, 10),
        dice.oneOf(0, 20, 60),
        dice.oneOf(0, 0, 10, 40),
        dice.oneOf(0, 0, 0, 10));
  }
}
