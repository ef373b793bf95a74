package io.nbdvault.cli.nbd;

import io.nbdvault.nbd.client.BaseAllocation;
import java.util.Optional;

/** What a status means, in the words of {@code nbdinfo}; empty where that is not known. */
final class ExtentDescription {
  private static final String DIRTY_BITMAP_PREFIX = BaseAllocation.dirtyBitmapContext("");

  private ExtentDescription() {}

  static Optional<String> of(String context, long flags) {
    if (context.equals(BaseAllocation.CONTEXT)) {
      return allocation(flags);
    }
    if (context.startsWith(DIRTY_BITMAP_PREFIX)) {
      return flags == 0
          ? Optional.of("clean")
          : flags == BaseAllocation.DIRTY ? Optional.of("dirty") : Optional.empty();
    }
    if (context.equals(BaseAllocation.QEMU_ALLOCATION_DEPTH)) {
      return Optional.of(depth(flags));
    }
    return Optional.empty();
  }

  private static Optional<String> allocation(long flags) {
    if (flags == 0) {
      return Optional.of("data");
    } else if (flags == BaseAllocation.HOLE) {
      return Optional.of("hole");
    } else if (flags == BaseAllocation.ZERO) {
      return Optional.of("zero");
    }
    return flags == (BaseAllocation.HOLE | BaseAllocation.ZERO)
        ? Optional.of("hole,zero")
        : Optional.empty();
  }

  private static String depth(long layer) {
    if (layer == 0) {
      return "absent";
    }
    return layer == 1 ? "local" : "backing depth " + Long.toUnsignedString(layer);
  }
}
