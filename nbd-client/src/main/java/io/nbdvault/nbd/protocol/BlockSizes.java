package io.nbdvault.nbd.protocol;

import io.nbdvault.nbd.NbdProtocolException;

/**
 * Block size constraints (proto.md, "Size constraints").
 *
 * @param minimumBytes a power of two, 1..65536: every offset and length must be a multiple of it
 * @param preferredBytes at least the minimum
 * @param maximumBytes a multiple of the minimum: the longest payload
 */
public record BlockSizes(int minimumBytes, int preferredBytes, int maximumBytes) {
  /** What holds where a server announced nothing. */
  public static final BlockSizes DEFAULT =
      new BlockSizes(1, NbdProtocol.PREFERRED_BLOCK_BYTES_DEFAULT, NbdProtocol.PAYLOAD_BYTES_MAX);

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if they make no sense
   */
  public BlockSizes {
    if (!minimumIsValid(minimumBytes)) {
      throw new IllegalArgumentException(
          "minimumBytes: " + minimumBytes + " (expected: a power of two, 1..65536)");
    }
    if (preferredBytes < minimumBytes) {
      throw new IllegalArgumentException(
          "preferredBytes: " + preferredBytes + " (expected: >= " + minimumBytes + ")");
    }
    if (maximumBytes < minimumBytes || maximumBytes % minimumBytes != 0) {
      throw new IllegalArgumentException(
          "maximumBytes: " + maximumBytes + " (expected: a multiple of " + minimumBytes + ")");
    }
  }

  /**
   * Checks three unsigned 32-bit numbers from the wire. Maximum and preferred size are lowered to
   * what this implementation sends at most, 32 MiB.
   */
  static BlockSizes ofWire(long minimum, long preferred, long maximum) throws NbdProtocolException {
    boolean valid =
        minimum <= NbdProtocol.MINIMUM_BLOCK_BYTES_MAX
            && minimumIsValid((int) minimum)
            && preferred >= minimum
            && maximum >= minimum
            && (maximum == 0xffffffffL || maximum % minimum == 0);
    if (!valid) {
      throw new NbdProtocolException(
          "block sizes: minimum=%d preferred=%d maximum=%d make no sense"
              .formatted(minimum, preferred, maximum));
    }
    return new BlockSizes(
        (int) minimum,
        (int) Math.min(preferred, NbdProtocol.PAYLOAD_BYTES_MAX),
        (int) Math.min(maximum, NbdProtocol.PAYLOAD_BYTES_MAX));
  }

  private static boolean minimumIsValid(int minimumBytes) {
    return minimumBytes >= 1
        && minimumBytes <= NbdProtocol.MINIMUM_BLOCK_BYTES_MAX
        && Integer.bitCount(minimumBytes) == 1;
  }
}
