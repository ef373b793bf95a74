package io.nbdvault.nbd.bulk;

/**
 * Which bytes of an export a bulk read is about (proto.md, "Metadata querying"). A selection made
 * by one of the static methods is about the whole export; {@link #within} narrows it.
 */
public sealed interface Selection {
  /** To the end of the export, whatever its size. */
  long TO_THE_END = Long.MAX_VALUE;

  /** Where it begins, 0..size. */
  long offsetBytes();

  /** How far it reaches at most; what lies beyond the export's end is not part of it. */
  long lengthBytes();

  /**
   * The same selection, of one range only.
   *
   * @param offsetBytes at least 0
   * @param lengthBytes at least 0; what lies beyond the export's end is left out
   * @throws IllegalArgumentException if one is negative
   */
  Selection within(long offsetBytes, long lengthBytes);

  /**
   * All bytes; those that {@code base:allocation} says read as zeroes are delivered as such and not
   * transferred. Holes that may read as something else are data. If the context was not negotiated,
   * all is data.
   */
  static Selection allocated() {
    return new Allocated(0, TO_THE_END);
  }

  /** All bytes, as data; block status is not asked for. */
  static Selection everything() {
    return new Everything(0, TO_THE_END);
  }

  /**
   * The bytes whose status in one metadata context has any of some flags, such as the dirty ones of
   * a bitmap. Of these, what {@code base:allocation} says reads as zeroes is delivered as such, if
   * that context was negotiated too.
   *
   * @param context a negotiated context; the bulk read fails with ENOTSUP if it is not
   * @param mask at least one bit
   */
  static Selection flagged(String context, long mask) {
    return new Flagged(context, mask, 0, TO_THE_END);
  }

  /** See {@link Selection#allocated}. */
  record Allocated(long offsetBytes, long lengthBytes) implements Selection {
    /** Checks the range. */
    public Allocated {
      check(offsetBytes, lengthBytes);
    }

    @Override
    public Allocated within(long offset, long length) {
      return new Allocated(offset, length);
    }
  }

  /** See {@link Selection#everything}. */
  record Everything(long offsetBytes, long lengthBytes) implements Selection {
    /** Checks the range. */
    public Everything {
      check(offsetBytes, lengthBytes);
    }

    @Override
    public Everything within(long offset, long length) {
      return new Everything(offset, length);
    }
  }

  /** See {@link Selection#flagged}. */
  record Flagged(String context, long mask, long offsetBytes, long lengthBytes)
      implements Selection {
    /** Checks the mask and the range. */
    public Flagged {
      if (mask == 0) {
        throw new IllegalArgumentException("mask: 0 (expected: at least one bit)");
      }
      check(offsetBytes, lengthBytes);
    }

    @Override
    public Flagged within(long offset, long length) {
      return new Flagged(context, mask, offset, length);
    }
  }

  private static void check(long offsetBytes, long lengthBytes) {
    if (offsetBytes < 0) {
      throw new IllegalArgumentException("offsetBytes: " + offsetBytes + " (expected: >= 0)");
    }
    if (lengthBytes < 0) {
      throw new IllegalArgumentException("lengthBytes: " + lengthBytes + " (expected: >= 0)");
    }
  }
}
