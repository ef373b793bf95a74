package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code block-dirty-bitmap-clear} (since 2.4): clears every bit, in one step with the other
 * actions.
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 */
public record DirtyBitmapClear(String node, String name) implements TransactionAction {
  public DirtyBitmapClear {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance.objectNode().put("node", node).put("name", name);
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-clear", arguments());
  }
}
