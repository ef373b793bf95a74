package io.nbdvault.nbd.client;

/**
 * A range of an export, and the whole blocks it lies in.
 *
 * @param offsetBytes at least 0
 * @param lengthBytes at least 1
 * @param widenedOffsetBytes the first block's begin
 * @param widenedEndBytes the last block's end, or the export's
 */
record BlockRange(
    long offsetBytes, long lengthBytes, long widenedOffsetBytes, long widenedEndBytes) {

  /**
   * Widens a range.
   *
   * @throws IllegalArgumentException if it does not lie within the export or is empty
   */
  static BlockRange of(ExportInfo export, long offsetBytes, long lengthBytes) {
    check(export, offsetBytes, lengthBytes);
    long mask = export.minimumBlockBytes() - 1L;
    long end = offsetBytes + lengthBytes;
    // By what is missing to the next block: rounding up a value near 2^63 would overflow.
    long missing = -end & mask;
    long widenedEnd = missing > export.sizeBytes() - end ? export.sizeBytes() : end + missing;
    return new BlockRange(offsetBytes, lengthBytes, offsetBytes & ~mask, widenedEnd);
  }

  private static void check(ExportInfo export, long offsetBytes, long lengthBytes) {
    if (offsetBytes < 0
        || lengthBytes < 1
        || offsetBytes > export.sizeBytes()
        || lengthBytes > export.sizeBytes() - offsetBytes) {
      throw new IllegalArgumentException(
          "range: %d bytes at %d (expected: at least 1 byte, within %d bytes)"
              .formatted(lengthBytes, offsetBytes, export.sizeBytes()));
    }
  }

  long widenedLengthBytes() {
    return widenedEndBytes - widenedOffsetBytes;
  }
}
