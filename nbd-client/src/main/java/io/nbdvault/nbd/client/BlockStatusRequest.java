package io.nbdvault.nbd.client;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.NbdException;
import io.nbdvault.nbd.NbdProtocolException;
import io.nbdvault.nbd.protocol.Command;
import io.nbdvault.nbd.protocol.NbdProtocol;
import io.nbdvault.nbd.protocol.WireString;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A BLOCK_STATUS, with one chunk for each metadata context. */
final class BlockStatusRequest extends Request {
  private final int minimumBlockBytes;
  private final long exportBytes;
  private final Map<String, List<Extent>> contexts = new LinkedHashMap<>();
  private List<Extent> current = List.of();
  private long coveredBytes;
  private int extents;

  BlockStatusRequest(
      Operation<?> operation, int flags, long offsetBytes, long lengthBytes, ExportInfo export) {
    super(operation, Command.BLOCK_STATUS, flags, offsetBytes, lengthBytes);
    this.minimumBlockBytes = export.minimumBlockBytes();
    this.exportBytes = export.sizeBytes();
  }

  @Override
  void blockStatus(String contextName, int extentCount) throws NbdProtocolException {
    if ((flags() & NbdProtocol.CMD_FLAG_REQ_ONE) != 0 && extentCount != 1) {
      throw new NbdProtocolException(this + ": " + extentCount + " extents under REQ_ONE");
    }
    // Grows as extents come, not by the announced count.
    current = new ArrayList<>();
    coveredBytes = 0;
    if (contexts.put(contextName, current) != null) {
      throw new NbdProtocolException(
          this + ": context " + WireString.escape(contextName) + " came twice");
    }
  }

  @Override
  void extent(long length, long extentFlags) throws NbdProtocolException {
    if (++extents > ClientLimits.EXTENTS_PER_REPLY_MAX) {
      throw new NbdProtocolException(
          this + ": more than " + ClientLimits.EXTENTS_PER_REPLY_MAX + " extents");
    }
    long left = lengthBytes() - coveredBytes;
    if (left <= 0) {
      throw new NbdProtocolException(this + ": an extent begins after the request's end");
    }
    long toExportEnd = exportBytes - offsetBytes() - coveredBytes;
    if (length % minimumBlockBytes != 0 && length != toExportEnd) {
      throw new NbdProtocolException(
          this + ": extent of " + length + " bytes, not a multiple of " + minimumBlockBytes);
    }
    // The last may reach beyond what was asked for (proto.md, "NBD_REPLY_TYPE_BLOCK_STATUS").
    current.add(new Extent(Math.min(length, left), extentFlags));
    // Not more than what is left: a length near 2^63 would overflow the sum.
    coveredBytes += Math.min(length, left);
  }

  @Override
  boolean forget() {
    contexts.clear();
    extents = 0;
    return true;
  }

  @Override
  @Nullable NbdException judge(Set<String> contextNames) throws NbdProtocolException {
    if (!contexts.keySet().containsAll(contextNames)) {
      throw new NbdProtocolException(
          this
              + ": answered for contexts "
              + WireString.escape(contexts.keySet().toString())
              + " (expected: "
              + WireString.escape(contextNames.toString())
              + ")");
    }
    return null;
  }

  /** What came, by context; valid once the reply was judged good. */
  Map<String, List<Extent>> contexts() {
    return contexts;
  }
}
