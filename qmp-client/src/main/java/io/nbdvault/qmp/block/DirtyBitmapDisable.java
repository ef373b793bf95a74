package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code block-dirty-bitmap-disable} (since 4.0): stops recording writes.
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 */
public record DirtyBitmapDisable(String node, String name) implements TransactionAction {
  public DirtyBitmapDisable {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance.objectNode().put("node", node).put("name", name);
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-disable", arguments());
  }
}
