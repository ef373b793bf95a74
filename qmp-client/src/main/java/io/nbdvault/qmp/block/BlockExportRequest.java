package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * An NBD export to add ({@code BlockExportOptions} with {@code type: nbd}, since 5.2).
 *
 * @param id export id: letters, digits, {@code -._}, the first a letter
 * @param nodeName node to export
 * @param name NBD export name, at most 4096 bytes
 * @param writable whether clients may write
 * @param bitmaps disabled bitmaps to offer as {@code qemu:dirty-bitmap:NAME}
 * @param allocationDepth whether to offer {@code qemu:allocation-depth}
 */
public record BlockExportRequest(
    String id,
    String nodeName,
    String name,
    boolean writable,
    List<NodeBitmap> bitmaps,
    boolean allocationDepth) {
  private static final int NAME_BYTES_MAX = 4096;

  public BlockExportRequest {
    Checks.notEmpty("id", id);
    Checks.notEmpty("nodeName", nodeName);
    bitmaps = List.copyOf(bitmaps);
    int nameBytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (nameBytes > NAME_BYTES_MAX) {
      throw new IllegalArgumentException(
          "name: " + nameBytes + " bytes (expected: <= " + NAME_BYTES_MAX + ")");
    }
  }

  /**
   * Returns the arguments of {@code block-export-add}.
   *
   * @param bitmapsByNode whether QEMU takes a bitmap as {@code {node,name}} (7.1); an older one is
   *     given the name alone and looks for it on the exported node and those that back it
   */
  ObjectNode toJson(boolean bitmapsByNode) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("type", "nbd")
            .put("id", id)
            .put("node-name", nodeName)
            .put("name", name)
            .put("writable", writable)
            .put("allocation-depth", allocationDepth);
    if (!bitmaps.isEmpty()) {
      ArrayNode array = json.putArray("bitmaps");
      for (NodeBitmap bitmap : bitmaps) {
        if (bitmapsByNode) {
          array.addObject().put("node", bitmap.node()).put("name", bitmap.name());
        } else {
          array.add(bitmap.name());
        }
      }
    }
    return json;
  }
}
