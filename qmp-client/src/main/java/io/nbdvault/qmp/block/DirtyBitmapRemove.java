package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code block-dirty-bitmap-remove} (in transactions since 4.2): deletes the bitmap.
 *
 * @param node node name
 * @param name bitmap name, at most 1023 bytes
 */
public record DirtyBitmapRemove(String node, String name) implements TransactionAction {
  public DirtyBitmapRemove {
    Checks.notEmpty("node", node);
    Checks.bitmapName("name", name);
  }

  ObjectNode arguments() {
    return JsonNodeFactory.instance.objectNode().put("node", node).put("name", name);
  }

  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("block-dirty-bitmap-remove", arguments());
  }
}
