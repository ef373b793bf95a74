package io.nbdvault.nbd.server;

import io.nbdvault.nbd.protocol.BlockSizes;

/**
 * What a server announces of an export.
 *
 * @param name its canonical name, at most 4,096 bytes of UTF-8
 * @param description a text for people; may be empty
 * @param sizeBytes 0..2⁶³−1
 * @param isReadOnly whether writes are refused; if not, FLUSH, FUA, TRIM and WRITE_ZEROES work
 * @param isCoherent whether several connections see the same content at any time and a flush by one
 *     makes durable what all have written ({@code NBD_FLAG_CAN_MULTI_CONN})
 * @param blockSizes what requests must be multiples of, should be, and may have at most
 */
public record ExportInfo(
    String name,
    String description,
    long sizeBytes,
    boolean isReadOnly,
    boolean isCoherent,
    BlockSizes blockSizes) {
  /**
   * Checks the size.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ExportInfo {
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("sizeBytes: " + sizeBytes + " (expected: >= 0)");
    }
  }
}
