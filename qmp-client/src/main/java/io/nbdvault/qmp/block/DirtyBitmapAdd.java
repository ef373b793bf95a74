package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code block-dirty-bitmap-add} (since 2.4; {@code persistent} 2.10, {@code disabled} 4.0).
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 * @param granularityBytes a power of two, 512 bytes to 2 GiB; always given, because QEMU's default
 *     follows the image's cluster size
 * @param persistent whether QEMU stores it in the image on close (qcow2 v3 only)
 * @param disabled whether it starts without recording
 */
public record DirtyBitmapAdd(
    String node, String name, long granularityBytes, boolean persistent, boolean disabled)
    implements TransactionAction {
  public DirtyBitmapAdd {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
    Checks.granularity(granularityBytes);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("node", node)
        .put("name", name)
        .put("granularity", granularityBytes)
        .put("persistent", persistent)
        .put("disabled", disabled);
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-add", arguments());
  }
}
