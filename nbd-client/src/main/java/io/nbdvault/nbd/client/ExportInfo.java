package io.nbdvault.nbd.client;

import java.util.List;

/**
 * What a server says about an export.
 *
 * @param sizeBytes at least 0
 * @param readOnly whether writes, trims and zeroes are refused
 * @param canMultiConn whether several connections see one coherent device
 * @param canFlush whether FLUSH is offered
 * @param canFua whether {@link WriteFlag#FUA} is offered
 * @param canTrim whether TRIM is offered
 * @param canWriteZeroes whether WRITE_ZEROES is offered
 * @param canFastZero whether {@link WriteFlag#FAST_ZERO} is offered
 * @param canDf whether {@link ReadFlag#DF} is offered
 * @param canCache whether CACHE is offered
 * @param minimumBlockBytes a power of two, 1..65536; writes must be aligned to it
 * @param preferredBlockBytes at least the minimum
 * @param maximumBlockBytes the longest payload of one request, a multiple of the minimum, at most
 *     32 MiB; longer reads and writes are split
 * @param structuredReplies whether structured replies were negotiated
 * @param metaContexts the names of the negotiated metadata contexts, in the server's words and
 *     order
 */
public record ExportInfo(
    long sizeBytes,
    boolean readOnly,
    boolean canMultiConn,
    boolean canFlush,
    boolean canFua,
    boolean canTrim,
    boolean canWriteZeroes,
    boolean canFastZero,
    boolean canDf,
    boolean canCache,
    int minimumBlockBytes,
    int preferredBlockBytes,
    int maximumBlockBytes,
    boolean structuredReplies,
    List<String> metaContexts) {
  public ExportInfo {
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("sizeBytes: " + sizeBytes + " (expected: >= 0)");
    }
    if (minimumBlockBytes < 1 || Integer.bitCount(minimumBlockBytes) != 1) {
      throw new IllegalArgumentException(
          "minimumBlockBytes: " + minimumBlockBytes + " (expected: a power of two)");
    }
    if (maximumBlockBytes < minimumBlockBytes || maximumBlockBytes % minimumBlockBytes != 0) {
      throw new IllegalArgumentException(
          "maximumBlockBytes: "
              + maximumBlockBytes
              + " (expected: a multiple of "
              + minimumBlockBytes
              + ")");
    }
    metaContexts = List.copyOf(metaContexts);
  }
}
