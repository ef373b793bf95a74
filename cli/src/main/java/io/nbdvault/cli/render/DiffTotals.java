package io.nbdvault.cli.render;

/**
 * Sums of the differences of one disk.
 *
 * @param disk its name
 * @param ranges how many
 * @param differentBytes their lengths
 */
record DiffTotals(String disk, long ranges, long differentBytes) {
  static DiffTotals none(String disk) {
    return new DiffTotals(disk, 0, 0);
  }

  DiffTotals plus(long lengthBytes) {
    return new DiffTotals(disk, ranges + 1, differentBytes + lengthBytes);
  }
}
