package io.nbdvault.nbd;

/**
 * One run of bytes with the same status in one metadata context (NBD project, proto.md, "Metadata
 * querying" and "NBD_CMD_BLOCK_STATUS").
 *
 * @param lengthBytes 1..2⁶³−1; more than 2³²−1 only from servers with extended headers
 * @param flags status bits; what they mean depends on the context
 */
public record Extent(long lengthBytes, long flags) {
  /**
   * Checks the length.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public Extent {
    if (lengthBytes < 1) {
      throw new IllegalArgumentException("lengthBytes: " + lengthBytes + " (expected: >= 1)");
    }
  }
}
