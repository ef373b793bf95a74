package io.nbdvault.nbd.client;

import io.nbdvault.nbd.Extent;
import io.nbdvault.nbd.protocol.HeaderStyle;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One block status request, widened to whole blocks and cut back to what was asked for. */
final class BlockStatusOperation extends Operation<BlockStatus> {
  private final BlockRange range;
  private final ExportInfo export;
  private final BlockStatusRequest request;

  BlockStatusOperation(BlockRange range, int flags, ExportInfo export) {
    super(range.widenedOffsetBytes(), lengthBytes(range, export), lengthBytes(range, export));
    this.range = range;
    this.export = export;
    this.request =
        new BlockStatusRequest(
            this, flags, range.widenedOffsetBytes(), lengthBytes(range, export), export);
  }

  private static long lengthBytes(BlockRange range, ExportInfo export) {
    return export.headerStyle() == HeaderStyle.EXTENDED
        ? range.widenedLengthBytes()
        : Math.min(range.widenedLengthBytes(), ClientLimits.BLOCK_STATUS_BYTES_MAX);
  }

  @Override
  Request request(long offsetBytes, long lengthBytes) {
    return request;
  }

  @Override
  BlockStatus result() {
    Map<String, List<Extent>> contexts = new LinkedHashMap<>();
    for (String name : export.metaContexts()) {
      contexts.put(name, cut(request.contexts().getOrDefault(name, List.of())));
    }
    return new BlockStatus(range.offsetBytes(), contexts);
  }

  /** Extents are whole blocks, so the first one always reaches into the range asked for. */
  private List<Extent> cut(List<Extent> extents) {
    long drop = range.offsetBytes() - range.widenedOffsetBytes();
    long left = range.lengthBytes();
    List<Extent> kept = new ArrayList<>(extents.size());
    for (Extent extent : extents) {
      long length = Math.min(extent.lengthBytes() - drop, left);
      if (length > 0) {
        kept.add(new Extent(length, extent.flags()));
        left -= length;
      }
      drop = 0;
    }
    return kept;
  }
}
