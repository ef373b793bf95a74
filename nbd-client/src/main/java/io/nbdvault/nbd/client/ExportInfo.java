package io.nbdvault.nbd.client;

import io.nbdvault.nbd.protocol.BlockSizes;
import io.nbdvault.nbd.protocol.HeaderStyle;
import io.nbdvault.nbd.protocol.NbdProtocol;
import java.util.List;
import java.util.Optional;

/**
 * What a server says about an export (proto.md, "Transmission flags" and "Size constraints").
 *
 * @param sizeBytes at least 0
 * @param rotational whether it behaves like a spinning disk
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
 * @param headerStyle what was negotiated for the transmission phase
 * @param metaContexts the names of the negotiated metadata contexts, in the server's words and
 *     order
 * @param description what the server's administrator says about the export, for people
 */
public record ExportInfo(
    long sizeBytes,
    boolean rotational,
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
    HeaderStyle headerStyle,
    List<String> metaContexts,
    Optional<String> description) {
  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if they make no sense
   */
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

  /** What the wire's transmission flags say; DF only where replies have chunks. */
  static ExportInfo ofWire(
      long sizeBytes,
      int flags,
      BlockSizes blockSizes,
      HeaderStyle headerStyle,
      List<String> metaContexts,
      Optional<String> description) {
    return new ExportInfo(
        sizeBytes,
        (flags & NbdProtocol.FLAG_ROTATIONAL) != 0,
        (flags & NbdProtocol.FLAG_READ_ONLY) != 0,
        (flags & NbdProtocol.FLAG_CAN_MULTI_CONN) != 0,
        (flags & NbdProtocol.FLAG_SEND_FLUSH) != 0,
        (flags & NbdProtocol.FLAG_SEND_FUA) != 0,
        (flags & NbdProtocol.FLAG_SEND_TRIM) != 0,
        (flags & NbdProtocol.FLAG_SEND_WRITE_ZEROES) != 0,
        (flags & NbdProtocol.FLAG_SEND_FAST_ZERO) != 0,
        headerStyle != HeaderStyle.SIMPLE && (flags & NbdProtocol.FLAG_SEND_DF) != 0,
        (flags & NbdProtocol.FLAG_SEND_CACHE) != 0,
        blockSizes.minimumBytes(),
        blockSizes.preferredBytes(),
        blockSizes.maximumBytes(),
        headerStyle,
        metaContexts,
        description);
  }

  /** Whether two connections see the same export: all but what is there for people only. */
  boolean looksLike(ExportInfo other) {
    return withoutDescription().equals(other.withoutDescription());
  }

  private ExportInfo withoutDescription() {
    return new ExportInfo(
        sizeBytes,
        rotational,
        readOnly,
        canMultiConn,
        canFlush,
        canFua,
        canTrim,
        canWriteZeroes,
        canFastZero,
        canDf,
        canCache,
        minimumBlockBytes,
        preferredBlockBytes,
        maximumBlockBytes,
        headerStyle,
        metaContexts,
        Optional.empty());
  }

  /** Whether replies have chunks: structured replies or extended headers were negotiated. */
  public boolean structuredReplies() {
    return headerStyle != HeaderStyle.SIMPLE;
  }
}
