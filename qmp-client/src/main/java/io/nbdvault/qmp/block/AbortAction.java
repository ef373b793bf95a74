package io.nbdvault.qmp.block;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * {@code abort} (since 1.6): makes the transaction fail and be undone, to try whether the actions
 * before it would have worked.
 */
public record AbortAction() implements TransactionAction {
  @Override
  public ObjectNode toJson() {
    return TransactionAction.wrap("abort", JsonNodeFactory.instance.objectNode());
  }
}
