package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.JsonNode;
import io.nbdvault.qmp.QmpException;
import io.nbdvault.qmp.QmpProtocolException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code BlockDeviceInfo} (since 0.14): a node of the block graph.
 *
 * @param nodeName at most 31 characters; {@code #block123} where QEMU made it up
 * @param driver block driver: a format, a protocol or a filter
 * @param readOnly whether the node is attached for reading only
 * @param file what was opened, as QEMU shows it
 * @param backingFile the backing image's file name as QEMU shows it, or null
 * @param throttled whether a device-level I/O limit (not a throttle node) applies
 * @param chain the node's image and those that back it, the topmost first; never empty
 * @param dirtyBitmaps named ones and the nameless ones of jobs
 */
public record BlockNode(
    String nodeName,
    String driver,
    boolean readOnly,
    String file,
    @Nullable String backingFile,
    boolean throttled,
    List<BlockImage> chain,
    List<DirtyBitmap> dirtyBitmaps) {
  private static final List<String> LIMITS =
      List.of("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr");

  public BlockNode {
    Checks.notEmpty("driver", driver);
    chain = List.copyOf(chain);
    dirtyBitmaps = List.copyOf(dirtyBitmaps);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("chain: empty (expected: the node's own image)");
    }
  }

  /** Returns the node's own image. */
  public BlockImage image() {
    return chain.get(0);
  }

  /** Returns the size that is seen above this node, in bytes. */
  public long virtualSizeBytes() {
    return image().virtualSizeBytes();
  }

  /** Returns the format's own facts (qcow2: {@code compat}, {@code lazy-refcounts}, …), if any. */
  public Optional<JsonNode> formatSpecific() {
    return Optional.ofNullable(image().formatSpecific());
  }

  /** Returns the bitmap of that name on this node. */
  public Optional<DirtyBitmap> bitmap(String name) {
    return dirtyBitmaps.stream().filter(bitmap -> bitmap.name().equals(name)).findFirst();
  }

  static BlockNode parse(JsonNode json) throws QmpException {
    List<BlockImage> chain = BlockImage.parseChain(json.path("image"));
    if (chain.isEmpty()) {
      throw new QmpProtocolException("answer: a node without an image");
    }
    String nodeName = Fields.textOrNull(json, "node-name");
    return new BlockNode(
        nodeName == null ? "" : nodeName,
        Fields.text(json, "drv"),
        Fields.flag(json, "ro"),
        Fields.text(json, "file"),
        Fields.textOrNull(json, "backing_file"),
        LIMITS.stream().anyMatch(limit -> json.path(limit).asLong(0) > 0),
        chain,
        Fields.list(json.path("dirty-bitmaps"), DirtyBitmap::parse));
  }
}
