package io.nbdvault.chunkstore;

import java.util.List;
import java.util.Optional;

/**
 * The dirty bitmap that records what the guest writes to a disk since a snapshot, with what proves
 * that a bitmap found later is still that one.
 *
 * @param bitmapName the bitmap's name in QEMU
 * @param granularityBytes the bitmap's granularity, a power of two
 * @param persistent whether the image keeps the bitmap across restarts of QEMU
 * @param imageChain file names of the disk's images, the top one first
 * @param processIdentity the QEMU process, for a bitmap that lives only as long as it
 */
public record Checkpoint(
    String bitmapName,
    long granularityBytes,
    boolean persistent,
    List<String> imageChain,
    Optional<String> processIdentity) {
  /** Checks the bounds given above and copies the list. */
  public Checkpoint {
    Checks.that(!bitmapName.isBlank(), "bitmap name", bitmapName, "not blank");
    Checks.that(
        granularityBytes > 0 && Long.bitCount(granularityBytes) == 1,
        "bitmap granularity",
        granularityBytes,
        "a power of two");
    imageChain = List.copyOf(imageChain);
  }
}
