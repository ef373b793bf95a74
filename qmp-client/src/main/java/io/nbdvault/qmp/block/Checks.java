package io.nbdvault.qmp.block;

import java.nio.charset.StandardCharsets;

/** What QEMU's block layer demands of names and sizes, checked before a command is sent. */
final class Checks {
  /** BDRV_BITMAP_MAX_NAME_SIZE (include/block/dirty-bitmap.h). */
  private static final int BITMAP_NAME_BYTES_MAX = 1023;

  /** 512 bytes to 2 GiB (docs/interop/bitmaps, "granularity"). */
  private static final long GRANULARITY_BYTES_MAX = 1L << 31;

  private Checks() {}

  static String notEmpty(String field, String value) {
    if (value.isEmpty()) {
      throw new IllegalArgumentException(field + ": empty (expected: a name)");
    }
    return value;
  }

  static String bitmapName(String field, String value) {
    int bytes = notEmpty(field, value).getBytes(StandardCharsets.UTF_8).length;
    if (bytes > BITMAP_NAME_BYTES_MAX) {
      throw new IllegalArgumentException(
          field + ": " + bytes + " bytes (expected: <= " + BITMAP_NAME_BYTES_MAX + ")");
    }
    return value;
  }

  static long granularity(long bytes) {
    if (bytes < 512 || bytes > GRANULARITY_BYTES_MAX || Long.bitCount(bytes) != 1) {
      throw new IllegalArgumentException(
          "granularityBytes: " + bytes + " (expected: a power of two, 512-2147483648)");
    }
    return bytes;
  }

  static long notNegative(String field, long value) {
    if (value < 0) {
      throw new IllegalArgumentException(field + ": " + value + " (expected: >= 0)");
    }
    return value;
  }
}
