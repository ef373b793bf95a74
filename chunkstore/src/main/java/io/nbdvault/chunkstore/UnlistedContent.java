package io.nbdvault.chunkstore;

import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * The damaged content that a {@link VerifyReport} has no room to list, by the ordinals of its
 * records: a few bytes or bits each, so that all of it can be flagged, however much it is.
 */
public final class UnlistedContent {
  /** Everything is listed. */
  public static final UnlistedContent NONE = new UnlistedContent(new Roaring64Bitmap());

  private final Roaring64Bitmap ordinals;

  /** Copies the ordinals. */
  public UnlistedContent(Roaring64Bitmap ordinals) {
    this.ordinals = copy(ordinals);
  }

  /** A copy of the ordinals. */
  public Roaring64Bitmap ordinals() {
    return copy(ordinals);
  }

  private static Roaring64Bitmap copy(Roaring64Bitmap original) {
    Roaring64Bitmap copy = new Roaring64Bitmap();
    copy.or(original);
    return copy;
  }
}
