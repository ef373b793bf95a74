package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code block-dirty-bitmap-enable} (since 4.0): begins to record writes.
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 */
public record DirtyBitmapEnable(String node, String name) implements TransactionAction {
  public DirtyBitmapEnable {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance.objectNode().put("node", node).put("name", name);
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-enable", arguments());
  }
}
