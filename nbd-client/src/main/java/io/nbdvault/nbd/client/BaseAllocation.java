package io.nbdvault.nbd.client;

/**
 * Names and flag bits of the metadata contexts that are in use (proto.md, "Metadata querying";
 * QEMU's docs/interop/nbd.rst).
 */
public final class BaseAllocation {
  /** The name of the context that every server with block status knows. */
  public static final String CONTEXT = "base:allocation";

  /** Not allocated. What is read there may still be anything: only {@link #ZERO} says zeroes. */
  public static final int HOLE = 1;

  /** Reads as zeroes. */
  public static final int ZERO = 1 << 1;

  /** The name of QEMU's context that numbers the layer of the backing chain an extent is from. */
  public static final String QEMU_ALLOCATION_DEPTH = "qemu:allocation-depth";

  /** In a dirty bitmap's context: the range is dirty. */
  public static final int DIRTY = 1;

  private static final String QEMU_DIRTY_BITMAP_PREFIX = "qemu:dirty-bitmap:";

  private BaseAllocation() {}

  /** The name of the context in which QEMU shows the dirty bitmap {@code bitmapName}. */
  public static String dirtyBitmapContext(String bitmapName) {
    return QEMU_DIRTY_BITMAP_PREFIX + bitmapName;
  }
}
