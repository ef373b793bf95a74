package io.nbdvault.nbd.bulk;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdErrno;
import io.nbdvault.nbd.NbdServerException;
import io.nbdvault.nbd.client.BaseAllocation;
import io.nbdvault.nbd.client.BlockStatus;
import io.nbdvault.nbd.client.ExportInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns block status into runs of data and of zeroes, in ascending order. Contexts that cover
 * different lengths are believed as far as all of them reach; from there on has to be asked again.
 */
final class ExtentPlan {
  /** Planned runs beyond which no more is asked for; one answer may bring a million more. */
  static final int RUNS_MAX = 1 << 16;

  private final Runs data = new Runs();
  private final Runs zeroes = new Runs();
  private final long endBytes;
  private final @Nullable String allocationContext;
  private final @Nullable String flagContext;
  private final long flagMask;
  private long positionBytes;

  /**
   * @throws NbdServerException ENOTSUP if the selection needs a context that was not negotiated
   */
  ExtentPlan(ExportInfo export, Selection what) throws NbdServerException {
    this.positionBytes = what.offsetBytes();
    this.endBytes =
        positionBytes + Math.min(what.lengthBytes(), export.sizeBytes() - positionBytes);
    boolean everything = what instanceof Selection.Everything;
    this.allocationContext =
        !everything && export.metaContexts().contains(BaseAllocation.CONTEXT)
            ? BaseAllocation.CONTEXT
            : null;
    if (what instanceof Selection.Flagged flagged) {
      if (!export.metaContexts().contains(flagged.context())) {
        throw new NbdServerException(
            NbdErrno.ENOTSUP, flagged.context() + ": the metadata context was not negotiated");
      }
      this.flagContext = flagged.context();
      this.flagMask = flagged.mask();
    } else {
      this.flagContext = null;
      this.flagMask = 0;
    }
    if (allocationContext == null && flagContext == null && positionBytes < endBytes) {
      data.add(positionBytes, endBytes - positionBytes);
      positionBytes = endBytes;
    }
  }

  /** From where on block status has to be asked for. */
  long positionBytes() {
    return positionBytes;
  }

  /** How much is left to be asked for. */
  long unknownBytes() {
    return endBytes - positionBytes;
  }

  /**
   * Whether to ask for more: there is more, and less than so many bytes are planned but not taken.
   * A server that cuts the export into the smallest of runs is not asked further either, as long as
   * those are not dealt with.
   */
  boolean wantsMore(long plannedBytesMax) {
    return unknownBytes() > 0
        && data.bytes() + zeroes.bytes() <= plannedBytesMax
        && data.count() + zeroes.count() < RUNS_MAX;
  }

  Runs data() {
    return data;
  }

  Runs zeroes() {
    return zeroes;
  }

  boolean isOver() {
    return unknownBytes() == 0 && data.isEmpty() && zeroes.isEmpty();
  }

  /** Plans nothing more, and drops what has been planned. */
  void abandon() {
    positionBytes = endBytes;
    data.clear();
    zeroes.clear();
  }

  /** Plans what is now known, which is a byte at least. */
  void add(BlockStatus status) {
    Cursor allocation = cursor(status, allocationContext);
    Cursor flags = cursor(status, flagContext);
    while (positionBytes < endBytes && allocation.hasCurrent() && flags.hasCurrent()) {
      long step = Math.min(endBytes - positionBytes, Math.min(allocation.left(), flags.left()));
      if (flagContext == null || (flags.flags() & flagMask) != 0) {
        boolean zero = (allocation.flags() & BaseAllocation.ZERO) != 0;
        (zero ? zeroes : data).add(positionBytes, step);
      }
      allocation.skip(step);
      flags.skip(step);
      positionBytes += step;
    }
  }

  private static Cursor cursor(BlockStatus status, @Nullable String context) {
    if (context == null) {
      return new Cursor(List.of(new Extent(Long.MAX_VALUE, 0)));
    }
    List<Extent> extents = status.contexts().get(context);
    if (extents == null) {
      throw new IllegalStateException(context + ": negotiated, but missing in a block status");
    }
    return new Cursor(extents);
  }

  /** A place in a list of extents. */
  private static final class Cursor {
    private final List<Extent> extents;
    private int index;
    private long left;

    Cursor(List<Extent> extents) {
      this.extents = extents;
      this.left = extents.get(0).lengthBytes();
    }

    boolean hasCurrent() {
      return index < extents.size();
    }

    long flags() {
      return extents.get(index).flags();
    }

    long left() {
      return left;
    }

    void skip(long bytes) {
      left -= bytes;
      if (left == 0 && ++index < extents.size()) {
        left = extents.get(index).lengthBytes();
      }
    }
  }
}
