package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** One action of QMP's {@code transaction} (since 1.1): all of them happen, or none. */
public sealed interface TransactionAction
    permits BlockdevBackup,
        DirtyBitmapAdd,
        DirtyBitmapMerge,
        DirtyBitmapRemove,
        DirtyBitmapClear,
        DirtyBitmapEnable,
        DirtyBitmapDisable,
        AbortAction {
  /** Returns the action as {@code {"type": …, "data": {…}}}. */
  ObjectNode toJson();

  /** Wraps an action's data. */
  static ObjectNode wrap(String type, ObjectNode data) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("type", type);
    json.set("data", data);
    return json;
  }
}
