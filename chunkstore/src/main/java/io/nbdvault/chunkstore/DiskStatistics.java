package io.nbdvault.chunkstore;

/**
 * What a backup of one disk read and stored, in bytes.
 *
 * @param readBytes read from the source
 * @param dirtyBytes that the source reported as changed or allocated
 * @param zeroBytes of what was read or reported, the part that holds only zeros
 * @param newBytes plain bytes of chunks that were not in the store
 * @param duplicateBytes plain bytes of chunks that were
 * @param storedBytes what the new chunks take in the store, compressed
 * @param nodeBytes what the new tree nodes take in the store
 */
public record DiskStatistics(
    long readBytes,
    long dirtyBytes,
    long zeroBytes,
    long newBytes,
    long duplicateBytes,
    long storedBytes,
    long nodeBytes) {
  /** Checks that nothing is negative. */
  public DiskStatistics {
    Checks.notNegative("read bytes", readBytes);
    Checks.notNegative("dirty bytes", dirtyBytes);
    Checks.notNegative("zero bytes", zeroBytes);
    Checks.notNegative("new bytes", newBytes);
    Checks.notNegative("duplicate bytes", duplicateBytes);
    Checks.notNegative("stored bytes", storedBytes);
    Checks.notNegative("node bytes", nodeBytes);
  }
}
