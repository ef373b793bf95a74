package io.nbdvault.nbd.client;

import io.nbdvault.nbd.Extent;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The answer to one block status request (proto.md, "NBD_REPLY_TYPE_BLOCK_STATUS" and
 * "NBD_REPLY_TYPE_BLOCK_STATUS_EXT").
 *
 * @param offsetBytes where the first extent of each context begins
 * @param contexts for each negotiated context by its name, at least one extent. Contexts may cover
 *     different lengths, and less than was asked for, but never more
 */
public record BlockStatus(long offsetBytes, Map<String, List<Extent>> contexts) {
  /**
   * Copies the contexts.
   *
   * @throws IllegalArgumentException if the offset is negative or a context has no extents
   */
  public BlockStatus {
    if (offsetBytes < 0) {
      throw new IllegalArgumentException("offsetBytes: " + offsetBytes + " (expected: >= 0)");
    }
    Map<String, List<Extent>> copy = new LinkedHashMap<>();
    contexts.forEach((name, extents) -> copy.put(name, List.copyOf(extents)));
    copy.forEach(
        (name, extents) -> {
          if (extents.isEmpty()) {
            throw new IllegalArgumentException("contexts: no extents in " + name);
          }
        });
    contexts = Collections.unmodifiableMap(copy);
  }
}
