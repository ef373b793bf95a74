package io.nbdvault.nbd;

/**
 * One run of bytes with the same status in one metadata context (NBD proto.md, "Metadata
 * contexts").
 *
 * @param lengthBytes at least 1
 * @param flags status bits; what they mean depends on the context
 */
public record Extent(long lengthBytes, long flags) {
  public Extent {
    if (lengthBytes < 1) {
      throw new IllegalArgumentException("lengthBytes: " + lengthBytes + " (expected: >= 1)");
    }
  }
}
