package io.nbdvault.engine.serve;

/** The metadata contexts of our exports. */
final class Contexts {
  /** What proto.md defines for every server. */
  static final String ALLOCATION = "base:allocation";

  static final String BASE_NAMESPACE = "base:";

  /** Flags of {@link #ALLOCATION}: {@code NBD_STATE_HOLE} and {@code NBD_STATE_ZERO}. */
  static final long HOLE_AND_ZERO = 3;

  static final long DATA = 0;

  static final String NAMESPACE = "nbdvault:";

  /**
   * Followed by another snapshot of the VM, as its id or 4 or more digits that begin it: where the
   * disk differs from what it was there.
   */
  static final String CHANGED_SINCE = NAMESPACE + "changed-since:";

  /** The flag of {@link #CHANGED_SINCE}, in the bit that dirty bitmaps use. */
  static final long CHANGED = 1;

  private Contexts() {}
}
