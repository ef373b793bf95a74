package io.nbdvault.nbd.bulk;

/**
 * A run of bytes of the export.
 *
 * @param lengthBytes at least 1
 */
record Run(long offsetBytes, long lengthBytes) {
  long endBytes() {
    return offsetBytes + lengthBytes;
  }
}
